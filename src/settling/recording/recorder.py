"""Records what any training loop in PyTorch predicts for its words, as a run of ours is recorded."""

import warnings
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from settling.errors import BadInput, shown
from settling.files import scratch, write_json
from settling.layout import RECORDED_TRAIN, RECORDED_TREATED, RUN_FILES
from settling.provenance import provenance, sha256
from settling.recording.words import NO_WORD, Words
from settling.schemas import VIEWS
from settling.scoring import EntityScorer
from settling.tables import write_table
from settling.training.interface import output_of
from settling.training.loop import Gather
from settling.training.records import Observation, Scorer, ScoreRow, write_dynamics, write_scores

DYNAMICS, SCORES, RECORD = RUN_FILES


class Recorder:
    """Records a training over `words` and writes it to `folder`, which must not be there yet or be empty.

    As a context manager it closes at the end, unless an exception ends the block; then nothing is written.

        with Recorder("recorded", words) as recorder:
            ...
            recorder.log(epoch, batch["word_ids"], logits, batch["labels"])

    Raises BadInput where the folder holds something.
    """

    def __init__(self, folder: Path | str, words: Words) -> None:
        self.folder, self.words = Path(folder), words
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise BadInput(f"{self.folder}: found something there, expected a new or empty folder for the record")
        self.given_label = words.split.given_label.astype(np.int64)
        self.views: dict[str, _View] = {}
        self.dev_f1: dict[int, float] = {}
        self.is_closed = False

    def log(self, epoch: int, word_ids: Any, logits: Any, labels: Any = None, view: str = "minibatch") -> None:
        """Record what the model predicts for the words of a batch. No graph is kept.

        `word_ids` (any shape, such as batch x length) has the ids of `words`; where it is negative or None no word is.
        `logits` is a tensor of that shape and a last dimension of tags; `labels`, of the shape of `word_ids`, is
        compared with the given labels where it is told. `view` is `minibatch` for a batch in training mode, before its
        update, or `epoch-end` for one in evaluation mode after the epoch. Epochs count from 0.

        Raises BadInput for wrong shapes, ids, labels or epochs, for a word that was logged before in this epoch, and,
        with the first batch of the next epoch, for a word that was not logged or has a loss that is not finite.
        """
        where = f"{self.folder}: epoch {epoch}, {view}"
        tags = self.words.split.tags
        logits, ids = torch.as_tensor(logits).detach(), _as_ids(word_ids, where)
        if tuple(logits.shape) != (*ids.shape, len(tags)):
            found = f"word ids of shape {ids.shape} and logits of shape {tuple(logits.shape)}"
            raise BadInput(f"{where}: found {found}; expected logits of shape {(*ids.shape, len(tags))}")
        places = np.flatnonzero(ids >= 0)
        words = ids.ravel()[places]
        seen = self._under_way(view, epoch, logits.device)
        seen.count(words, where)
        given_label = self.given_label[words]
        if labels is not None:
            self._check_labels(_as_ids(labels, where), ids, where)
        with torch.no_grad():
            of_words = [torch.from_numpy(array).to(logits.device) for array in (places, words, given_label)]
            logits_WK = logits.reshape(-1, len(tags))[of_words[0]]
            seen.gather.add(output_of(of_words[1], logits_WK, of_words[2]))

    def log_dev_f1(self, epoch: int, f1: float) -> None:
        """Record the entity F1 on clean dev data after an epoch, by which phases and the best epoch are found.

        Of an epoch for which it is not told it is undefined. What is told last of an epoch holds.
        """
        if not 0 <= f1 <= 1:
            raise BadInput(f"{self.folder}: epoch {epoch}: found a dev F1 of {shown(f1)}, expected 0 to 1")
        self.dev_f1[epoch] = float(f1)

    def close(self) -> None:
        """Write the record of all whole epochs; an epoch in which the training stopped is left out with a warning.

        Raises BadInput where no epoch is whole.
        """
        if self.is_closed:
            return
        if not self.views:
            raise BadInput(f"{self.folder}: nothing was logged, so there is nothing to write")
        for view, seen in self.views.items():
            where = f"{self.folder}: epoch {len(seen.epochs)}, {view}"
            if seen.seen.all() or not seen.epochs:
                seen.finish(where)
            elif seen.seen.any():
                count = f"{seen.seen.sum()} of {len(self.words)} words"
                warnings.warn(f"{where}: {count} were logged when the training stopped; left out", stacklevel=2)
        num_epochs = min(len(seen.epochs) for seen in self.views.values())
        views = {view: seen.epochs[:num_epochs] for view, seen in self.views.items()}
        with scratch(self.folder) as beside:
            self._write(beside / "record", views)
            (beside / "record").rename(self.folder)
        self.is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def _under_way(self, view: str, epoch: int, device: torch.device) -> "_View":
        """Return a view whose epoch under way is `epoch`."""
        if view not in VIEWS:
            raise BadInput(f"{self.folder}: found the view {shown(view)}, expected one of {', '.join(VIEWS)}")
        if view not in self.views:
            self.views[view] = _View(self.words, device)
        seen = self.views[view]
        current = len(seen.epochs)
        if epoch == current + 1 and seen.seen.any():
            seen.finish(f"{self.folder}: epoch {current}, {view}")
        elif epoch != current:
            expected = f"{current} or {current + 1}" if seen.seen.any() else f"{current}, as epochs count from 0"
            raise BadInput(f"{self.folder}: found epoch {shown(epoch)} in view {view}, expected {expected}")
        return seen

    def _check_labels(self, labels: NDArray[np.int64], ids: NDArray[np.int64], where: str) -> None:
        """Raise BadInput where labels are not the given ones of the words `ids`."""
        if labels.shape != ids.shape:
            raise BadInput(f"{where}: found labels of shape {labels.shape}, expected that of the word ids: {ids.shape}")
        labels, words = labels[ids >= 0], ids[ids >= 0]
        if (wrong := np.flatnonzero(labels != self.given_label[words])).size:
            word, label = int(words[wrong[0]]), labels[wrong[0]]
            given = self.given_label[word]
            raise BadInput(f"{where}: {self.words.named(word)} has the label {label}, expected its given one, {given}")

    def _write(self, folder: Path, views: dict[str, list[Observation]]) -> None:
        """Write all files of the record to a new folder."""
        treated = folder / RECORDED_TREATED
        write_split(self.words, folder / RECORDED_TRAIN, treated)
        made = provenance("record", {}, {"treated": treated})
        write_dynamics(folder / DYNAMICS, views, self.words.split.tags, made)
        write_scores(folder / SCORES, self._scores(views), made)
        outputs = {name: sha256(folder / name) for name in (DYNAMICS, SCORES)}
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(folder / RECORD, {"made": made, "outputs": outputs, "ended": ended})

    def _scores(self, views: dict[str, list[Observation]]) -> list[ScoreRow]:
        """Return the scores of the training words, and dev F1, undefined where it was not told."""
        scorer = Scorer("train", self.words.split)
        rows: list[ScoreRow] = []
        for view, epochs in views.items():
            for epoch, seen in enumerate(epochs):
                known = scorer.rows(epoch, view, seen)
                rows += [row for row in known if self.words.has_true or row[3] == "given"]
        num_epochs = len(next(iter(views.values())))
        return rows + [
            (epoch, "dev", "epoch-end", "true", "all", "f1", self.dev_f1.get(epoch, nan)) for epoch in range(num_epochs)
        ]


class _View:
    """What one view has recorded: the epochs that are whole, and, of the one under way, which words were seen."""

    def __init__(self, words: Words, device: torch.device) -> None:
        self.words, self.device = words, device
        self.epochs: list[Observation] = []
        self.begin()

    def begin(self) -> None:
        """Begin the next epoch."""
        self.gather = Gather(len(self.words), len(self.words.split.tags), self.device)
        self.seen = np.zeros(len(self.words), dtype=bool)

    def count(self, words: NDArray[np.int64], where: str) -> None:
        """Note that words were seen; raise BadInput for an id of no word, and where one was seen before."""
        if words.max(initial=-1) >= len(self.words) or self.seen[words].any() or len(np.unique(words)) < len(words):
            self.words.check(np.concatenate([words, np.flatnonzero(self.seen)]), where, whole=False)
        self.seen[words] = True

    def finish(self, where: str) -> None:
        """End the epoch under way; raise BadInput where a word was not seen or what was seen is not finite."""
        self.words.check(np.flatnonzero(self.seen), where, whole=True)
        observation = self.gather.observation()
        read = (observation.loss, observation.margin) if len(self.words.split.tags) > 1 else (observation.loss,)
        if (wrong := np.flatnonzero(~np.all(np.isfinite(read), axis=0))).size:
            word = int(wrong[0])
            found = f"a loss of {observation.loss[word]} and a margin of {observation.margin[word]}"
            raise BadInput(f"{where}: {self.words.named(word)} has {found}, expected finite logits")
        self.epochs.append(observation)
        self.begin()


def write_split(words: Words, train: Path, treated: Path) -> None:
    """Write the words as a training split (schema `data`) and as a treated one.

    Without true labels, `data` has the given ones, and those of `treated` are null.
    """
    split, tags = words.split, pa.array(words.split.tags)
    place = {"sentence": split.sentence.astype(np.int32), "position": words.position.astype(np.int16)}
    given, true = (
        pa.DictionaryArray.from_arrays(pa.array(label.astype(np.int32)), tags)
        for label in (split.given_label, split.true_label)
    )
    nothing = pa.nulls(len(words))
    write_table(
        train,
        "data",
        {**place, "token": split.tokens, "label": true, "image": nothing},
        provenance("record", {}, {}, tags=split.tags, task=split.task),
    )
    scorer = EntityScorer(split.tags, split.sentence)
    settled = scorer.score(scorer.entities(split.given_label), scorer.entities(split.true_label))["all"]
    write_table(
        treated,
        "treated",
        {
            **place,
            "word": np.arange(len(words), dtype=np.uint32),
            "true_label": true if words.has_true else nothing,
            "given_label": given,
            "noisy": split.noisy if words.has_true else nothing,
        },
        provenance(
            "record",
            {},
            {"train": train},
            task=split.task,
            tags=split.tags,
            sentences=split.num_sentences,
            nominal_rate=None,
            effective_rate=float(split.noisy.mean()) if words.has_true else None,
            settled_f1=settled.f1 if words.has_true and settled.support else None,
            true_labels_known=words.has_true,
        ),
    )


def _as_ids(values: Any, where: str) -> NDArray[np.int64]:
    """Return ids, or labels, as an array; None becomes NO_WORD. Raise BadInput for anything but whole numbers."""
    array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values, dtype=object)
    try:
        if array.dtype == object:
            array = np.array([NO_WORD if one is None else one for one in array.ravel()]).reshape(array.shape)
        if array.size and array.dtype.kind not in "iu":
            raise ValueError
        return array.astype(np.int64)
    except (ValueError, TypeError):
        raise BadInput(f"{where}: found {shown(values)}, expected whole numbers, equally many in each row") from None
