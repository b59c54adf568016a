"""The study as a DAG: download -> treat -> train -> events -> aggregate -> plot, claims, findings -> report.

Rules only say what depends on what; each calls one command of the package `settling`, which does the work.
"""

import os
import re
from pathlib import Path

from snakemake.exceptions import WorkflowError

from settling import study as plan
from settling.config import load
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.skipped import skipped
from settling.fingerprint import modules
from settling.systems import KINDS as SYSTEMS
from settling.treatments import KINDS as TREATMENTS

# A file given by --configfile is a whole study of its own, so the default is not merged into it.
if "study" not in config and not workflow.overwrite_configfiles:

    configfile: "config.yaml"


try:
    study = load(config)
    grid = plan.runs(study)
    treatments = plan.treatments(study)
except BadInput as error:
    raise WorkflowError(str(error)) from None

RESULTS = str(plan.folder_of(study))
SKIPPED = skipped(study)
FIGURE_NAMES = [name for name in FIGURES if name not in SKIPPED]


wildcard_constraints:
    dataset="[^/]+",
    checkpoint="[^/]+",
    treatment="[^/]+",
    draw=r"\d+",
    system="[^/]+",
    seed=r"\d+",
    figure="[^/]+",


# The report opens with the claims. The path is absolute because a relative one would start from this file's folder.
report: Path(f"{RESULTS}/claims/opening.rst").resolve()


# Only trainings go to a cluster: the rest takes seconds a job, or the network.
localrules:
    all,
    download_dataset,
    download_checkpoint,
    tokenise,
    treat,
    events,
    detect,
    aggregate,
    quote,
    plot,
    not_drawn,
    claims,
    findings,


include: "workflow/rules/download.smk"
include: "workflow/rules/tokenise.smk"
include: "workflow/rules/treat.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/events.smk"
include: "workflow/rules/detect.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/quote.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/findings.smk"


rule all:
    default_target: True
    input:
        rules.claims.output,
        rules.findings.output,
        rules.aggregate.output,
        rules.quote.output,
        expand(rules.plot.output, figure=FIGURE_NAMES),
        rules.not_drawn.output,


onstart:
    for figure, reason in SKIPPED.items():
        print(f"Not drawn: {figure}: {reason}")


onsuccess:
    print(f"In {RESULTS}: figures/, tables/, claims/claims.txt, findings.txt")
