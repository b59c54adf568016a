"""The detect stage: how well each detector finds the words of a run whose given label is wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from settling.analysis.dynamics import open_dynamics
from settling.analysis.lineage import check_run, check_split
from settling.analysis.phases import dev_curve, phases_of
from settling.canonical import generator
from settling.detectors.history import History, Scores
from settling.detectors.rankings import applicable, rankings
from settling.detectors.two_means import threshold
from settling.errors import BadInput
from settling.frames import as_frame
from settling.provenance import provenance
from settling.schemas import SCHEMAS
from settling.scoring import entity_score
from settling.tables import metadata_of, read_table, write_table, writing_table

# The authors' default number of epochs (consts.py:444), which they detect after.
FIXED_EPOCHS = 4
RANKINGS = "rankings.parquet"
# Edges of the bins in nats: five a decade, rounded, so that they are the same on every machine.
EDGES = np.array([float(f"{10 ** (step / 5):.3g}") for step in range(-20, 8)])

Value = tuple[str, str, float]
"""Rate, metric, value."""


class Measure(NamedTuple):
    """A value of the table `detectors`, but for its view."""

    detector: str
    selected_epoch: str
    rate: str
    metric: str
    value: float


def detect(dynamics: Path, treated: Path, scores: Path, output: Path, run: Path | None = None) -> str | None:
    """Write detectors.parquet and losses.parquet of a run to the folder `output`.

    `run` is its run.json, where it has one. Raises BadInput where the files are not of one run. Where no word is noisy,
    or all are, there is nothing to measure, and the table of detectors is empty. Where the true labels are not known,
    both tables are, and rankings.parquet has how suspect each word is at the end; what is returned says so.
    """
    opened = open_dynamics(dynamics, treated)
    by = provenance("detect", None, {**opened.hashes, "scores": scores})
    if run:
        check_run(run, {**opened.paths, "scores": scores}, by["inputs"])
    made = metadata_of(opened.labels.schema)
    known = made.get("true_labels_known", True)
    noisy = opened.labels["noisy"].to_numpy() if known else np.empty(0, dtype=np.bool_)
    tags = made["tags"]
    curves = read_table(scores, "scores")
    check_split(scores, curves.schema, treated, by["inputs"]["treated"])
    histories: dict[str, History] = {}
    selected_epochs: dict[str, dict[str, int]] = {}
    measured: list[tuple[object, ...]] = []
    binned: list[tuple[object, ...]] = []
    for seen in opened.epochs(with_margin=True):
        # With a single tag there is no other label, and every margin is infinite.
        read = (seen.loss, seen.margin) if len(tags) > 1 else (seen.loss,)
        if not all(np.isfinite(values).all() for values in read):
            raise BadInput(f"{dynamics}: epoch {seen.epoch}: a loss or margin is not finite; expected nats")
        if seen.view not in histories:
            histories[seen.view] = History(opened.given_label, tags)
            selected_epochs[seen.view] = selected_epochs_of(as_frame(curves), seen.view, made["settled_f1"], len(tags))
        history = histories[seen.view]
        history.add(seen)
        names = [name for name, epoch in selected_epochs[seen.view].items() if epoch == seen.epoch]
        binned += [(seen.view, name, *row) for name in names for row in histogram(history.loss, noisy)]
        if names and 0 < noisy.sum() < len(noisy):
            measured += [(seen.view, *row) for row in measure(history, noisy, names)]
    for view, history in histories.items():
        if history.epochs != selected_epochs[view]["final"] + 1:
            raise BadInput(
                f"{dynamics}: {history.epochs} epochs in view {view}; {scores} has {selected_epochs[view]['final'] + 1}"
            )
    for table, rows in (("detectors", measured), ("losses", binned)):
        names = SCHEMAS[table].names
        columns = pd.DataFrame(rows, columns=names)
        write_table(output / f"{table}.parquet", table, {name: columns[name].to_numpy() for name in names}, by)
    if known:
        return None
    write_rankings(output / RANKINGS, histories, selected_epochs, by)
    return (
        f"{treated}: its true labels are not known, so how well a detector finds the noisy words is undefined; "
        f"{output / RANKINGS} has how suspect each word is"
    )


def write_rankings(
    path: Path, histories: Mapping[str, History], selected_epochs: Mapping[str, Mapping[str, int]], by: dict[str, Any]
) -> None:
    """Write how suspect each word is at the end of a run, by view and detector, one row group each."""
    with writing_table(path, "rankings", by) as write_group:
        for view, history in histories.items():
            last = [name for name, epoch in selected_epochs[view].items() if epoch == history.epochs - 1]
            for detector, scores in rankings(history, last).items():
                zeros = np.zeros(len(scores), dtype=np.int32)
                named = {
                    column: pa.DictionaryArray.from_arrays(zeros, [name])
                    for column, name in (("view", view), ("detector", detector))
                }
                write_group({**named, "word": np.arange(len(scores), dtype=np.uint32), "score": scores})


def selected_epochs_of(scores: pd.DataFrame, view: str, settled_f1: float | None, num_tags: int) -> dict[str, int]:
    """Return the epochs at which a run's detectors are scored, by name, from its scores.

    `epoch-4` is missing from a shorter run, `settled`, the last epoch of settling, from one that does not settle, and
    `best` where dev F1 is undefined.
    """
    phases = phases_of(scores, view, settled_f1, num_tags)
    dev_f1 = dev_curve(scores)
    found = {"final": len(dev_f1) - 1}
    if not np.isnan(dev_f1).any():
        found["best"] = int(dev_f1.argmax())
    if len(dev_f1) >= FIXED_EPOCHS:
        found["epoch-4"] = FIXED_EPOCHS - 1
    if phases is not None and phases.settling_end is not None:
        found["settled"] = phases.settling_end
    return found


def measure(history: History, noisy: NDArray[np.bool_], selected_epochs: Sequence[str]) -> list[Measure]:
    """Score every detector on the epochs so far against the truth, `noisy` (words,), which must hold both kinds.

    `selected_epochs` are the names of the last of these epochs. Left out are detectors that are scored after another
    epoch alone, and those that need the tag O where the data set has none.
    """
    chance = generator("detector ties", len(noisy)).permutation(len(noisy))
    numbers = {"known": int(noisy.sum()), "estimated": estimated_noisy(history)}
    found: dict[str, list[Value]] = {}
    detectors = applicable(history, selected_epochs)
    for name, detector in detectors.items():
        found[name] = called(detector.call(history), noisy) if detector.call else []
        if detector.rank:
            found[name] += ranked(detector.rank(history), noisy, numbers, chance)
    return [
        Measure(name, selected_epoch, *value)
        for selected_epoch in selected_epochs
        for name, values in found.items()
        if detectors[name].only_after in (None, selected_epoch)
        for value in values
    ]


def estimated_noisy(history: History) -> int:
    """Return how many words are noisy by an estimate without labels: the greater cluster of 2-means on mean losses."""
    mean = history.events.mean
    return int((mean > threshold(mean)).sum())


def ranked(scores: Scores, noisy: NDArray[np.bool_], numbers: dict[str, int], chance: NDArray[np.int64]) -> list[Value]:
    """Score a ranking as a whole, and its most suspect words, as many as `numbers` says, by rate.

    Words with equal scores are ranked as in `chance`, a random order of all words.
    """
    order = chance[np.argsort(scores[chance], kind="stable")]
    # What is sorted already is quick to sort again, which scikit-learn does.
    scores, truth = scores[order], noisy[order].astype(np.int8)
    rows = [
        ("any", "auroc", float(roc_auc_score(truth, scores))),
        ("any", "average_precision", float(average_precision_score(truth, scores))),
    ]
    for rate, number in numbers.items():
        found = entity_score(int(truth[len(truth) - number :].sum()), number, int(truth.sum()))
        rows += [(rate, metric, getattr(found, metric)) for metric in ("precision", "recall", "f1")]
    return rows


def called(suspect: NDArray[np.bool_], noisy: NDArray[np.bool_]) -> list[Value]:
    """Score which words (words,) a detector calls noisy by its own threshold."""
    found = entity_score(int((suspect & noisy).sum()), int(suspect.sum()), int(noisy.sum()))
    return [("own", metric, getattr(found, metric)) for metric in ("precision", "recall", "f1")]


def histogram(losses: Scores, noisy: NDArray[np.bool_]) -> list[tuple[bool, float, float, float]]:
    """Return the share of the clean and of the noisy words in each bin of the loss: noisy, edges in nats, share.

    The first and the last bin hold what lies beyond them too. A kind without words has no rows.
    """
    rows = []
    for kind in np.unique(noisy):
        counts, _ = np.histogram(losses[noisy == kind].clip(EDGES[0], EDGES[-1]), EDGES)
        bins = zip(EDGES[:-1].tolist(), EDGES[1:].tolist(), (counts / counts.sum()).tolist(), strict=True)
        rows += [(bool(kind), *bin) for bin in bins]
    return rows
