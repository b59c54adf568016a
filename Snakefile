"""The study as a DAG: download -> treat -> train -> events -> aggregate -> plot -> findings and report.

Rules only say what depends on what; each calls one command of the package `settling`, which does the work.
"""

from pathlib import Path

from snakemake.exceptions import WorkflowError

from settling import study as plan
from settling.config import load
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.fingerprint import fingerprint
from settling.systems import KINDS as SYSTEMS
from settling.treatments import KINDS as TREATMENTS

# A file given by --configfile is a whole study of its own, so the default is not merged into it.
if "study" not in config and not workflow.overwrite_configfiles:

    configfile: "config.yaml"


try:
    study = load(config)
    grid = plan.runs(study)
except BadInput as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{study.study}"
FIGURE_NAMES = [name for name, figure in FIGURES.items() if figure.needs in plan.families(study)]


wildcard_constraints:
    dataset="[^/]+",
    checkpoint="[^/]+",
    treatment="[^/]+",
    draw=r"\d+",
    system="[^/]+",
    seed=r"\d+",
    figure="[^/]+",


report: "workflow/report/workflow.rst"


include: "workflow/rules/download.smk"
include: "workflow/rules/treat.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/events.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/findings.smk"


rule all:
    default_target: True
    input:
        rules.findings.output,
        rules.aggregate.output,
        expand(rules.plot.output, figure=FIGURE_NAMES),


onsuccess:
    print(f"Figures: {RESULTS}/figures. Tables: {RESULTS}/tables. Findings: {RESULTS}/findings.txt")
