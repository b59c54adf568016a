"""The study as a DAG: download -> treat -> train -> events -> aggregate -> plot, claims, findings -> report.

Rules only say what depends on what; each calls one command of the package `settling`, which does the work.
"""

import logging
import os
import re
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import contains_wildcard
from snakemake.logging import logger

from settling import layout
from settling import study as plan
from settling.artifact.contents import names_of
from settling.canonical import canonical
from settling.config import load
from settling.data.formats import FORMATS
from settling.data.sources import SOURCES
from settling.detectors import DETECTORS
from settling.errors import BadInput, printable
from settling.figures import FIGURES
from settling.figures.skipped import list_skipped, skipped
from settling.fingerprint import modules
from settling.stages import STAGES
from settling.status import failure_reasons, last_words, logs
from settling.systems import kind_of as system_kind
from settling.data.tasks import TASKS
from settling.treatments import KINDS as TREATMENTS
from settling.treatments import family_of
from settling.documents import read_document
from snakemake_logger_plugin_settling import OWN, LogHandler

# With --config artifact=FILE a study is drawn from what another lab has recorded, without training or data.
ARTIFACT = str(config.get("artifact", ""))
if ARTIFACT:
    # It reads zips and tables, which no other study needs here.
    from settling.artifact.stage import config_of


# With --config so_far=true a study is drawn from the runs that are finished; none is trained.
SO_FAR = str(config.pop("so_far", "")).lower() == "true"


# A file given by --configfile is a whole study of its own, so the default is not merged into it.
if "study" not in config and not workflow.overwrite_configfiles and not ARTIFACT:

    configfile: "config.yaml"


try:
    # Snakemake's reader goes by the last of a repeated key.
    written = {}
    for file in workflow.configfiles if workflow.is_main_process else ():
        if Path(file).suffix in (".yaml", ".yml"):
            written |= read_document(Path(file)).written
    study = config_of(Path(ARTIFACT)) if ARTIFACT else load(config, written=written)
    if SO_FAR:
        study = plan.so_far(study, layout.folder_of(study.study))
    grid = plan.runs(study)
    treatments = plan.treatments(study)
except BadInput as error:
    raise WorkflowError(printable(str(error))) from None

RESULTS = str(layout.folder_of(study.study, from_artifact=bool(ARTIFACT)))
# A path of settling.layout, from where Snakemake is started.
at = lambda path: f"{RESULTS}/{path}"
# From the working directory, so that nothing reruns where a checkout is moved.
CLAIMS = at(layout.CLAIMS) if ARTIFACT else os.path.relpath(Path(workflow.basedir, "config", "claims.yaml"))
DATASETS = sorted({run.dataset for run in grid})
SKIPPED = skipped(study)
# The logs that were there when the study started.
BEFORE = {}
FIGURE_NAMES = [name for name in FIGURES if name not in SKIPPED]


wildcard_constraints:
    **layout.PARTS,


# What a finished study has; the files of rules add to it.
WANTED = []
# Only trainings go to a cluster: the rest, `localrule`, takes seconds a job, or the network.
for stage in STAGES:
    if stage.rules and stage.studies in ("all", "from an artifact" if ARTIFACT else "trained here"):

        include: f"workflow/rules/{stage.name}.smk"


rule all:
    default_target: True
    input:
        WANTED,
    localrule: True


# A line of the study's own: in the terminal, and in the log that Snakemake keeps.
say = lambda line, level=logging.INFO: logger.log(level, line, extra={OWN: True})
# What shows in the terminal how far the study is; nothing where another logger is chosen.
SHOWN_BY = [handler for handler in workflow.logger_manager.get_log_handlers() if isinstance(handler, LogHandler)]
for handler in SHOWN_BY:
    handler.expect(Path(RESULTS))


onstart:
    BEFORE.update(logs(Path(RESULTS)))
    if not workflow.touch:
        jobs = list(workflow.dag.needrun_jobs())
        asked = {run for job in jobs for file in job.output if (run := layout.run_of(file))}
        for handler in SHOWN_BY:
            handler.begin(study, asked, len(jobs))
        details = f"; the details go to {os.path.relpath(log[0])}" if log else ""
        say(f"{study.study}: {len(jobs)} jobs, {len(asked)} of {len(grid)} runs to train{details}")
    if study.unfinished:
        say(f"So far {len(grid)} of {len(grid) + len(study.unfinished)} runs are finished; the others are left out")
    if SKIPPED:
        say(
            f"{len(SKIPPED)} figures that the study has no runs for are not drawn; {at(layout.NOT_DRAWN)} names them"
        )


onsuccess:
    for line in last_words(Path(RESULTS)):
        say(line)


# Said again at the end, as a step's own words scroll away.
onerror:
    for line in failure_reasons(Path(RESULTS), BEFORE):
        say(line, logging.ERROR)
    if log:
        say(f"The details are in {os.path.relpath(log[0])}")
