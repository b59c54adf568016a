"""The small studies of the tests: every configuration of one begins here, and stages run on it without Snakemake."""

import copy
from pathlib import Path
from typing import Any

from settling import study as plan
from settling.analysis.aggregate import aggregate
from settling.analysis.events import find_events
from settling.analysis.findings import write_findings
from settling.analysis.quotes import quote
from settling.claims.decide import decide_claims
from settling.config import Study
from settling.data.dataset import download_dataset
from settling.detectors.detect import detect
from settling.figures import FIGURES
from settling.figures.plot import plot, specification
from settling.figures.skipped import list_skipped, skipped
from settling.files import write_text
from settling.treatments import family_of
from settling.treatments.treat import treat

Values = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "config" / "claims.yaml"

ENCODER: Values = {"kind": "encoder", "checkpoint": "tiny", "epochs": 3, "batch_size": 8}
ENCODER |= {"learning_rate": 0.003, "layers": 2}
CRF: Values = {"kind": "bilstm-crf", "layers": 1, "hidden_size": 8, "word_size": 8, "epochs": 2, "batch_size": 8}
IMAGE: Values = {"kind": "image", "block": "basic", "depths": [1], "widths": [8], "image_size": 8, "epochs": 1}
DIGITS: Values = {"task": "image", "source": {"kind": "sklearn", "name": "digits"}}


def local(**files: object) -> Values:
    """Return a data set of files on this machine: one for `all` splits, or one for each."""
    return {"source": {"kind": "local", "files": {split: str(path) for split, path in files.items()}}}


def folder(path: object) -> Values:
    """Return a checkpoint that lies in a folder."""
    return {"kind": "folder", "path": str(path)}


def noise(*levels: int, kind: str = "resample") -> Values:
    return {"kind": kind, "levels": [*levels]}


def cap(name: str, *sentences: int, kind: str = "cap") -> Values:
    return {"kind": kind, "class": name, "sentences": [*sentences]}


def grid(datasets: str, treatments: str, systems: str, **more: Any) -> Values:
    """Return an experiment; names are parted by spaces."""
    return {"datasets": datasets.split(), "treatments": treatments.split(), "systems": systems.split(), **more}


def study_of(checkpoint: object = "tiny", **changes: Any) -> Values:
    """Return the configuration of a small study: an encoder under noise. `changes` replace its keys."""
    values = {
        "study": "small",
        "datasets": {"toy": local(all="toy.conll")},
        "checkpoints": {"tiny": folder(checkpoint)},
        "systems": {"tiny": ENCODER},
        "treatments": {"noise": noise(0, 30)},
        "experiments": {"main": grid("toy", "noise", "tiny")},
        **changes,
    }
    return copy.deepcopy(values)


def record(study: Study, results: Path, checkpoint: Path | None = None) -> None:
    """Run the stages up to the events and detectors of each run, of a study of one data set and one system."""
    from settling.training.train import Run, train

    (dataset,), (system,) = study.datasets, study.systems
    data = results / "data" / dataset
    download_dataset(plan.dataset_spec(study, dataset), data)
    runs, named = plan.runs(study), plan.treatments(study)
    for run in runs:
        spec = plan.treatment_spec(named[run.treatment], run.noise_seed)
        treat(spec, data / "train.parquet", results / run.treated)
    splits = {split: data / f"{split}.parquet" for split in ("train", "dev", "test")}
    job = [Run(run.seed, results / run.treated, results / run.folder, results / run.state) for run in runs]
    train(plan.training_spec(study, system), splits, checkpoint, job)
    for run in runs:
        files = results / run.dynamics, results / run.treated
        find_events(*files, results / run.events, results / run.record)
        if family_of(named[run.treatment]) == "noise":
            detect(*files, results / run.scores, (results / run.detectors).parent, results / run.record)


def draw(study: Study, results: Path, whole: bool = True) -> None:
    """Run the stages after that, up to the figures: of each its specification alone unless `whole`."""
    tables = results / "tables"
    aggregate(plan.aggregate_spec(study), results, tables)
    quote(tables, results / "data", tables)
    decide_claims(CLAIMS, tables, results / "claims")
    write_findings(tables, results / "findings.txt")
    figures = FIGURES.keys() - skipped(study)
    if whole:
        plot(figures, tables, results / "figures")
    else:
        for figure in figures:
            write_text(results / "figures" / f"{figure}.json", specification(figure, tables))
    write_text(results / "figures" / "not_drawn.txt", list_skipped(study))
