"""A small study written by hand, so that each value of its tables can be worked out on paper."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from settling.analysis.aggregate import aggregate
from settling.files import write_json
from settling.layout import Run
from settling.provenance import sha256
from settling.tables import read_table, write_table
from settling.treatments import family_of

Row = dict[str, Any]
Pick = Callable[..., list[Row]]
TREATMENTS: dict[str, Row] = {
    "clean": {"kind": "clean"},
    "noise-flip-20": {"kind": "flip", "percent": 20},
    "noise-flip-40": {"kind": "flip", "percent": 40},
    "cap-LOC-5": {"kind": "cap", "class": "LOC", "sentences": 5},
    "drop-LOC-5": {"kind": "drop", "class": "LOC", "sentences": 5},
    "cap-relabel-LOC-25": {"kind": "cap-relabel", "class": "LOC", "sentences": 25},
}
BASE: Row = {
    "kind": "encoder",
    "checkpoint": "mini",
    "pretrained": True,
    "centroids": None,
    "epochs": 3,
    "schedule": "linear",
    "batch_size": 8,
    "max_length": 128,
    "long_sentences": "windows",
}
SYSTEMS: dict[str, Row] = {
    "base": BASE,
    "another": {**BASE, "pretrained": False},
    "crf": {
        **BASE,
        **{"kind": "bilstm-crf", "checkpoint": None, "pretrained": False, "max_length": None, "long_sentences": None},
    },
    "a-proto": {**BASE, "kind": "protobert", "centroids": "running"},
}
STEPS = 30
# Dev F1 at each of three epochs, by treatment, noise seed and seed, of `base`. The class LOC scores a tenth of it.
DEV = {
    ("clean", 0, 0): [0.2, 0.8, 0.8],
    ("clean", 0, 1): [0.2, 0.6, 0.7],
    ("noise-flip-20", 0, 0): [0.3, 0.7, 0.5],
    ("noise-flip-20", 0, 1): [0.3, 0.5, 0.4],
    ("noise-flip-20", 1, 0): [0.6, 0.4, 0.2],
    ("noise-flip-20", 1, 1): [0.3, 0.5, 0.3],
    ("cap-LOC-5", 0, 0): [0.1, 0.5, 0.6],
    ("cap-LOC-5", 1, 0): [0.1, 0.3, 0.4],
    ("drop-LOC-5", 0, 0): [0.1, 0.7, 0.7],
    ("drop-LOC-5", 1, 0): [0.1, 0.6, 0.9],
    ("cap-relabel-LOC-25", 0, 0): [0.0, 0.0, 0.0],
    ("noise-flip-40", 0, 0): [0.3, 0.1, 0.1],
}
# The other systems' F1 is this share of that.
SHARE = {"base": 1, "another": 0.5, "crf": 0.25, "a-proto": 0.75}
# Words of the epoch-end view by noisy or not: first epoch right, number of forgetting events, true label.
WORDS = {
    False: [(0, 0, "B-LOC"), (0, 1, "O"), (2, 0, "I-LOC"), (-1, 0, "B-LOC")],
    True: [(-1, 0, "O"), (-1, 0, "O"), (2, 0, "O")],
}


def block(names: list[str], seeds: list[int], noise_seeds: list[int], systems: tuple[str, ...] = ("base",)) -> Row:
    """Return an experiment as `aggregate` takes it."""
    return {
        "datasets": ["news"],
        "treatments": names,
        "systems": [*systems],
        "seeds": seeds,
        "noise_seeds": noise_seeds,
    }


def spec_of(blocks: list[Row], names: Iterable[str] = tuple(TREATMENTS), systems: Iterable[str] = ("base",)) -> Row:
    """Return the parameters of `aggregate`."""
    return {
        "treatments": {name: TREATMENTS[name] for name in names},
        "experiments": blocks,
        "systems": {name: SYSTEMS[name] for name in systems},
        "own": [],
    }


def scores(run: Run) -> list[Row]:
    """Return a run's scores at three epochs, without noisy words where its treatment makes none."""
    rows = []
    for epoch, f1 in enumerate(DEV[run.treatment, run.noise_seed, run.seed]):
        f1 *= SHARE[run.system]
        for split, reference, name, metric, value in (
            ("dev", "true", "all", "f1", f1),
            ("dev", "true", "LOC", "f1", f1 / 10),
            ("test", "true", "all", "f1", f1 + 0.1),
            ("train", "given", "all", "f1", 0.9),
            ("train", "given", "all", "noisy_accuracy", epoch / 4),
        ):
            place: Row = {"epoch": epoch, "split": split, "view": "epoch-end", "reference": reference}
            if metric != "noisy_accuracy" or run.treatment.startswith("noise"):
                rows.append({**place, "class": name, "metric": metric, "value": value})
    return rows


def words_of(run: Run) -> list[tuple[bool, int, int, str]]:
    """Return a run's words as (noisy, first epoch right, forgetting events, label)."""
    noisy = {False: WORDS[False], **({True: WORDS[True]} if run.treatment.startswith("noise") else {})}
    return [(flag, *word) for flag, found in noisy.items() for word in found]


def events(run: Run) -> list[Row]:
    """Return a run's events."""
    return [
        {
            "view": "epoch-end",
            "word": number,
            "true_label": label,
            "given_label": "B-LOC" if flag else label,
            "noisy": flag,
            "first_learned": first,
            "learning": int(first >= 0) + max(forgetting - 1, 0),
            "forgetting": forgetting,
            "loss_mean": 0.5,
            "loss_variance": 0.0,
            "mistaken_for": None,
        }
        for number, (flag, first, forgetting, label) in enumerate(words_of(run))
    ]


def detectors(run: Run) -> list[Row]:
    """Return how well one detector did in a run: F1 is 0.5 and a tenth more for each seed and noise seed."""
    place: Row = {"view": "epoch-end", "detector": "kmeans", "selected_epoch": "final", "rate": "own", "metric": "f1"}
    return [{**place, "value": 0.5 + (run.seed + run.noise_seed) / 10}]


def losses(run: Run) -> list[Row]:
    """Return a histogram of two bins; of the noisy words, (seed + noise seed) tenths have a small loss."""
    low = {False: 0.8, True: (run.seed + run.noise_seed) / 10}
    return [
        {
            "view": "epoch-end",
            "selected_epoch": "best",
            "noisy": noisy,
            "low_edge": edge,
            "high_edge": edge + 1.0,
            "share": share,
        }
        for noisy in (False, True)
        for edge, share in ((0.0, low[noisy]), (1.0, 1 - low[noisy]))
    ]


def write(path: Path, name: str, rows: list[Row], **metadata: Any) -> None:
    """Write rows as the table called `name`."""
    write_table(path, name, {column: [row[column] for row in rows] for column in rows[0]}, metadata)


def write_card(results: Path, run: Run) -> None:
    """Write the run.json of a run whose scores and training split are there."""
    outputs = {run.scores.name: sha256(results / run.scores)}
    write_json(
        results / run.record, {"outputs": outputs, "made": {"inputs": {"treated": sha256(results / run.treated)}}}
    )


def write_split(results: Path, run: Run) -> None:
    """Write the training split of a run."""
    split = [
        {
            "sentence": 0,
            "position": number,
            "word": number,
            "true_label": label,
            "given_label": "B-LOC" if flag else label,
            "noisy": flag,
        }
        for number, (flag, _, _, label) in enumerate(words_of(run))
    ]
    percent = TREATMENTS[run.treatment].get("percent", 0)
    figures = {"nominal_rate": percent / 100, "effective_rate": percent / 200, "settled_f1": 1 - percent / 100}
    figures |= {"effective_mention_rate": percent / 150}
    write(results / run.treated, "treated", split, sentences=1, task="ner", tags=["O", "B-LOC", "I-LOC"], **figures)


def write_runs(results: Path, runs: list[Run]) -> None:
    """Write what the stages before `aggregate` leave of the runs."""
    for run in runs:
        write(results / run.scores, "scores", scores(run), steps=STEPS)
        write(results / run.events, "events", events(run), epochs=3)
        write_split(results, run)
        write_card(results, run)
        if family_of(TREATMENTS[run.treatment]) == "noise":
            write(results / run.detectors, "detectors", detectors(run))
            write(results / run.losses, "losses", losses(run))


def tables_of(results: Path, runs: list[Run], spec: Row) -> Path:
    """Write the files of runs and make the tables; return their folder."""
    write_runs(results, runs)
    aggregate(spec, results, results / "tables")
    return results / "tables"


def rows_of(tables: Path, name: str, **values: Any) -> list[Row]:
    """Return the rows of a table that hold the given values."""
    found = read_table(tables / f"{name}.parquet", name).to_pylist()
    return [row for row in found if values.items() <= row.items()]
