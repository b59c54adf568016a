"""Dynamics, events and rankings as pandas, for whoever looks at one run."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from settling.analysis.dynamics import Dynamics, Epoch, open_dynamics
from settling.analysis.events import EventCounter
from settling.analysis.lineage import check_run
from settling.detectors.detect import FIXED_EPOCHS
from settling.detectors.history import History
from settling.detectors.rankings import rankings as scores_of
from settling.errors import BadInput
from settling.frames import as_frame, read_frame
from settling.layout import RECORDED_TRAIN, RECORDED_TREATED, RUN_FILES
from settling.schemas import VIEWS
from settling.tables import metadata_of

DYNAMICS, _, RECORD = RUN_FILES
# What each frame here says of a word; the frames of a record have its text as `token` too.
OF_WORD = ["word", "sentence", "position", "true_label", "given_label", "noisy"]


def read_dynamics(run: Path | str, treated: Path | str | None = None) -> pd.DataFrame:
    """Return the dynamics of a run: a row for each view, epoch and word.

    `run` is the run's folder; `treated` its training split, which a recorder puts beside. The columns are `view`,
    `epoch`, those of OF_WORD, `predicted` (a tag), `loss` and `margin` (nats), and where a recorder wrote it `token`.
    `true_label` and `noisy` are missing where the true labels are not known.

    Raises BadInput where a file is missing, damaged or of another run.
    """
    folder = Path(run)
    opened = open_dynamics(folder / DYNAMICS, Path(treated) if treated else folder / RECORDED_TREATED)
    if (record := folder / RECORD).exists():
        check_run(record, opened.paths, opened.hashes)
    tags = pd.CategoricalDtype(metadata_of(opened.file.schema_arrow)["tags"])
    words = _words_of(opened, tags, folder / RECORDED_TRAIN)
    parts = [
        words.assign(
            view=seen.view,
            epoch=seen.epoch,
            predicted=pd.Categorical.from_codes(seen.predicted.astype(np.int64), dtype=tags),
            loss=seen.loss,
            margin=seen.margin,
        )
        for seen in opened.epochs(with_margin=True)
    ]
    return _framed(parts, "view", "epoch")


def events(run: Path | str | pd.DataFrame, treated: Path | str | None = None) -> pd.DataFrame:
    """Return the learning and forgetting events of a run: a row for each view and word.

    `run` and `treated` are as in `read_dynamics`, or `run` is what it returned, or some words of it. The columns beside
    those of a word are those of the table `events`.
    """
    parts = []
    for view, words, epochs in _views(run, treated):
        counter = EventCounter(len(words))
        for seen in epochs:
            counter.add(seen.matches_given, seen.loss, seen.predicted)
        found = counter.events()
        mistaken_for = pd.Categorical.from_codes(found.mistaken_for, words["given_label"].cat.categories)
        parts.append(words.assign(**{"view": view, **found._asdict(), "mistaken_for": mistaken_for}))
    return _framed(parts, "view")


def rankings(run: Path | str | pd.DataFrame, treated: Path | str | None = None) -> pd.DataFrame:
    """Return how suspect each word of a run is after its last epoch: a row for each view, detector and word.

    `run` and `treated` are as in `events`. `score` is the higher, the more suspect the word's given label is; of a
    detector that only calls words noisy it is 1 for these, else 0. Nothing here reads a true label.
    """
    parts = []
    for view, words, epochs in _views(run, treated):
        history = History(words["given_label"].cat.codes.to_numpy(), words["given_label"].cat.categories.to_list())
        for seen in epochs:
            history.add(seen)
        selected = ["final", *(["epoch-4"] if history.epochs == FIXED_EPOCHS else [])]
        for detector, scores in scores_of(history, selected).items():
            parts.append(words.assign(view=view, detector=detector, score=scores))
    return _framed(parts, "view", "detector").astype({"detector": "category"})


def _words_of(opened: Dynamics, tags: pd.CategoricalDtype, train: Path) -> pd.DataFrame:
    """Return what is said of each word, with its text where `train`, which a recorder writes, is there."""
    words = as_frame(opened.labels)[OF_WORD]
    words = words.astype({"true_label": tags, "given_label": tags, "noisy": "boolean"})
    return words.assign(token=read_frame(train, "data")["token"]) if train.exists() else words


def _framed(parts: list[pd.DataFrame], *first: str) -> pd.DataFrame:
    """Return frames with a column `view` as one, the columns `first` before the others."""
    frame = pd.concat(parts, ignore_index=True).astype({"view": pd.CategoricalDtype([*VIEWS])})
    return frame[[*first, *frame.columns.drop([*first])]]


def _views(
    run: Path | str | pd.DataFrame, treated: Path | str | None
) -> Iterator[tuple[str, pd.DataFrame, list[Epoch]]]:
    """Yield each view of dynamics, with its words and its epochs in their order.

    Raises BadInput where an epoch is missing, or has other words than the first.
    """
    frame = run if isinstance(run, pd.DataFrame) else read_dynamics(run, treated)
    if frame.empty:
        raise BadInput("dynamics: found no rows, expected words and epochs")
    for view, rows in frame.groupby("view", observed=True):
        epochs: list[Epoch] = []
        words = pd.DataFrame()
        for epoch, seen in rows.groupby("epoch"):
            seen = seen.sort_values("word", ignore_index=True)
            if epoch != len(epochs):
                raise BadInput(f"dynamics: view {view} has no epoch {len(epochs)}, expected all epochs from 0 on")
            if not epochs:
                words = seen[[name for name in (*OF_WORD, "token") if name in seen]]
            elif not seen["word"].equals(words["word"]):
                raise BadInput(f"dynamics: epoch {len(epochs)} of view {view} has other words than epoch 0")
            predicted = seen["predicted"].cat.codes.to_numpy()
            given_label = seen["given_label"].cat.codes.to_numpy()
            loss, margin = (seen[name].to_numpy(np.float32) for name in ("loss", "margin"))
            epochs.append(Epoch(str(view), len(epochs), predicted == given_label, loss, margin, predicted))
        yield str(view), words, epochs
