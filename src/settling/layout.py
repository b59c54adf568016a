"""Where every file of a study lies, and what an artifact calls its files. Rules, steps and the artifact ask here.

A path with parts in braces, such as `data/{dataset}/card.json`, is a template. A rule uses it as a pattern of
Snakemake, a `Run` fills it in, and `pattern` makes a regular expression of it. A path is relative to the study's folder
unless its comment says otherwise.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import overload

# The folder of all studies, relative to the folder in which Snakemake is started; and in it the folder of the studies
# that are drawn from artifacts, and that of the checkpoints, which all studies share.
RESULTS = "results"
FROM_ARTIFACT = "from-artifact"
CHECKPOINTS = "checkpoints"

# What a user may call things, since names become parts of paths. A treatment's name may end in the hash of a class.
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
TREATMENT_NAME = r"[A-Za-z0-9][A-Za-z0-9_.~-]*"
# The parts in braces, each with the regular expression of what may stand there.
PARTS = {
    "dataset": NAME,
    "checkpoint": NAME,
    "treatment": TREATMENT_NAME,
    "noise_seed": r"\d+",
    "system": NAME,
    "seed": r"\d+",
    "figure": NAME,
}

# A data set: its splits, and its card, which says what it was made of.
DATA = "data"
DATASET = f"{DATA}/{{dataset}}"
TRAIN, DEV, TEST = (f"{DATASET}/{split}.parquet" for split in ("train", "dev", "test"))
DATASET_CARD = f"{DATASET}/card.json"
TOKENS = "tokens/{dataset}/{checkpoint}.parquet"
# What names a training split with its treatment, which all runs on it share.
TREATED_SPLIT = "{dataset}/{treatment}/noise-seed{noise_seed}"
TREATED = f"treated/{TREATED_SPLIT}.parquet"
# What names a run in each path of its files.
RUN = f"{TREATED_SPLIT}/{{system}}/seed{{seed}}"
# What a training leaves; its record says that it is done, what it was made of and how long it took.
RUN_FOLDER = f"runs/{RUN}"
RUN_FILES = ("dynamics.parquet", "scores.parquet", "run.json")
# What a recorder of another's training writes beside these to its folder: the words, and the labels trained on.
RECORDED_TRAIN, RECORDED_TREATED = "train.parquet", "treated.parquet"
DYNAMICS, SCORES, RUN_RECORD = (f"{RUN_FOLDER}/{name}" for name in RUN_FILES)
# What a run goes on from after an interruption; its outputs too, until its job is done.
STATE = f"state/{RUN}"
EVENTS = f"events/{RUN}.parquet"
# How well each detector finds the noisy words of a run, and the histogram of the run's losses.
DETECTORS, LOSSES = (f"detectors/{RUN}/{name}.parquet" for name in ("detectors", "losses"))

TABLES_FOLDER = "tables"
TABLE, TABLE_AS_CSV = (f"{TABLES_FOLDER}/{{table}}.{extension}" for extension in ("parquet", "csv"))
# The tables that `aggregate` makes. The table `quotes` is apart, as only it holds text of data sets.
TABLES = (
    "datasets",
    "systems",
    "treatments",
    "measures",
    "run_curves",
    "curves",
    "summary",
    "effects",
    "contrasts",
    "phases",
    "first_learned",
    "forgetting",
    "words",
    "caps",
    "detection_runs",
    "detection",
    "loss_histogram",
)
QUOTES = TABLE.format(table="quotes")
FIGURES_FOLDER = "figures"
FIGURE = f"{FIGURES_FOLDER}/{{figure}}"
FIGURE_SPECIFICATION, FIGURE_DRAWING = (f"{FIGURE}.{extension}" for extension in ("json", "svg"))
NOT_DRAWN = f"{FIGURES_FOLDER}/not_drawn.txt"
VERDICTS_FOLDER = "claims"
VERDICTS, VERDICTS_AS_CSV, VERDICTS_AS_TEXT = (f"{VERDICTS_FOLDER}/claims.{name}" for name in ("parquet", "csv", "txt"))
FINDINGS = "findings.txt"
REPORT = "report.html"
ARTIFACT = "artifact.zip"
LOGS = "logs"

# What an artifact holds beside files of the study's folder. A study drawn from one has the claims in its folder too.
MANIFEST = "manifest.json"
CONFIGURATION = "config.json"
CLAIMS = "claims.json"
CRATE = "ro-crate-metadata.json"
LOCK = "requirements.lock"
SNAKEFILE = "Snakefile"
README = "README.md"


class _Filled:
    """A path of a run: the template with the run's own names in place of its parts."""

    def __init__(self, template: str) -> None:
        self.template = template

    @overload
    def __get__(self, run: None, owner: type) -> "_Filled": ...

    @overload
    def __get__(self, run: "Run", owner: type) -> Path: ...

    def __get__(self, run: "Run | None", owner: type) -> "_Filled | Path":
        return Path(self.template.format_map(vars(run))) if run else self


@dataclass(frozen=True, order=True)
class Run:
    """One training: what names it, and the paths of its files, each after the template of its name."""

    dataset: str
    treatment: str
    noise_seed: int
    system: str
    seed: int

    treated = _Filled(TREATED)
    folder = _Filled(RUN_FOLDER)
    dynamics = _Filled(DYNAMICS)
    scores = _Filled(SCORES)
    record = _Filled(RUN_RECORD)
    state = _Filled(STATE)
    events = _Filled(EVENTS)
    detectors = _Filled(DETECTORS)
    losses = _Filled(LOSSES)

    @property
    def name(self) -> str:
        """What names the run in the paths of its files."""
        return RUN.format_map(vars(self))

    @property
    def log(self) -> Path:
        """How the training goes, line by line."""
        return Path(log("train", self.name))


def folder_of(study: str, from_artifact: bool = False) -> Path:
    """Return the folder of the study of this name, relative to the folder in which Snakemake is started."""
    return Path(RESULTS, *([FROM_ARTIFACT] if from_artifact else []), study)


def log(*names: str) -> str:
    """Return the log of a step, by the step's name and what it works on."""
    return f"{LOGS}/{'/'.join(names)}.log"


def benchmark(*names: str) -> str:
    """Return the file of the time and memory that a step took, by the same names as its log."""
    return f"benchmarks/{'/'.join(names)}.tsv"


def pattern(template: str) -> str:
    """Return the regular expression of a template's paths, in which each part is a group of its name."""
    texts = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{text}>{PARTS[text]})" if number % 2 else re.escape(text) for number, text in enumerate(texts))


_IN_RUN_FOLDER = re.compile(rf"(?:^|/){pattern(RUN_FOLDER)}/[^/]+$")


def run_of(file: str) -> Run | None:
    """Return the run in whose folder a file lies, wherever the study's folder is; None for any other file."""
    match = _IN_RUN_FOLDER.search(file)
    if match is None:
        return None
    return Run(match["dataset"], match["treatment"], int(match["noise_seed"]), match["system"], int(match["seed"]))
