"""Sentences laid out for an encoder: cut into windows that fit the model, which share rows of a micro-batch."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from settling.data.split import Split
from settling.data.tokens import PROBES, pieces_of

# Bounds the memory of one pass.
PACKED_PIECES = 4096
# How many pieces a piece must attend to until its attention costs as much as all else that is computed of it.
ATTENDED = 600
# A row may be so many times as long as the longest window, where that leaves fewer gaps.
WIDEST = 1.5
# Of padded rows: few enough that windows of like length go together, enough for full matrix products.
PADDED_ROWS = 8
# The first sub-word of a word for which a truncated sentence has no vector.
LOST = -1


@dataclass(frozen=True)
class Window:
    """A stretch of a sentence that fits the model: its `words` (w,), and where the first sub-word of each is."""

    ids: NDArray[np.integer]
    first_subwords: NDArray[np.integer]
    words: NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """Sentences cut into windows, which follow each other in flat arrays: as objects they would take far more memory.

    Of each window, `starts` (windows + 1, 2) has where its pieces and its words begin, in `ids` (pieces,) and
    `first_subwords` (words,). Those of sentence s are from `sentences[s]` on, (sentences + 1,).
    """

    ids: NDArray[np.int32]
    first_subwords: NDArray[np.int32]
    starts: NDArray[np.int64]
    sentences: NDArray[np.int64]

    def windows(self, sentence: int) -> list[Window]:
        """Return the windows of a sentence."""
        first, end = self.sentences[sentence : sentence + 2]
        return [
            Window(self.ids[piece:last_piece], self.first_subwords[word:last_word], np.arange(word, last_word))
            for (piece, word), (last_piece, last_word) in itertools.pairwise(self.starts[first : end + 1])
        ]


def flat(cut: Iterable[list[Window]]) -> Cut:
    """Return the windows of all sentences, in order, whose words are all of a split."""
    of_sentence = list(cut)
    windows = [window for of in of_sentence for window in of]
    return Cut(
        np.fromiter((piece for window in windows for piece in window.ids), np.int32),
        np.fromiter((place for window in windows for place in window.first_subwords), np.int32),
        np.cumsum([(0, 0), *((len(window.ids), len(window.words)) for window in windows)], axis=0),
        np.cumsum([0, *map(len, of_sentence)]),
    )


@dataclass(frozen=True)
class Rows:
    """Windows laid out in R rows of T word-pieces.

    The first sub-words of their W words are at (rows, first_subwords); `given_label` has the label of each word.
    `owner` [R, T] says of which window of its row a piece is, from 1 on; 0 is padding. Padded, a row is one window.
    Packed, it holds several, one after the other, and `positions` [R, T] counts in each.
    """

    ids: torch.Tensor
    owner: torch.Tensor
    positions: torch.Tensor | None
    rows: torch.Tensor
    first_subwords: torch.Tensor
    words: torch.Tensor
    given_label: torch.Tensor

    @property
    def mask(self) -> torch.Tensor:
        """Padded, [R, T], 1 on the pieces; packed, [R, 1, T, T], 0 within a window and lowest between two.

        It is made at each use, as it would take most of the memory. Padding attends to itself.
        """
        if self.positions is None:
            return (self.owner > 0).long()
        apart = self.owner[:, None, :, None] != self.owner[:, None, None, :]
        return torch.zeros(apart.shape, device=apart.device).masked_fill_(apart, torch.finfo(torch.float32).min)


@dataclass(frozen=True)
class Windows:
    """A split cut into windows, packed where a first position is given. A row has at most `max_width` pieces."""

    cut: Cut
    given_label: NDArray[np.uint16]
    pad_id: int
    first_position: int | None
    max_width: int
    device: torch.device

    def batches(self, order: NDArray[np.integer], batch_size: int) -> Iterator[list[Rows]]:
        """Cut the sentences, in `order`, into batches, laid out with little padding."""
        for start in range(0, len(order), batch_size):
            yield self._laid_out(order[start : start + batch_size])

    def _laid_out(self, sentences: NDArray[np.integer]) -> list[Rows]:
        windows = [window for sentence in sentences for window in self.cut.windows(sentence)]
        windows.sort(key=lambda window: len(window.ids))
        if self.first_position is None:
            size = PADDED_ROWS if self.device.type == "cpu" else len(windows)
            rows = [[window] for window in windows]
        else:
            rows, width = pack(windows, self.max_width)
            size = max(1, PACKED_PIECES // width)
        return [self._rows(rows[start : start + size]) for start in range(0, len(rows), size)]

    def _rows(self, rows: list[list[Window]]) -> Rows:
        width = max(sum(len(window.ids) for window in row) for row in rows)
        ids = np.full((len(rows), width), self.pad_id)
        positions = np.zeros((len(rows), width), dtype=np.int64)
        owner = np.zeros((len(rows), width), dtype=np.int64)
        first_subwords = []
        for number, row in enumerate(rows):
            start = 0
            for place, window in enumerate(row, 1):
                end = start + len(window.ids)
                ids[number, start:end] = window.ids
                positions[number, start:end] = np.arange(len(window.ids))
                owner[number, start:end] = place
                first_subwords.append(np.where(window.first_subwords == LOST, LOST, window.first_subwords + start))
                start = end
        words = np.concatenate([window.words for row in rows for window in row])
        arrays = (
            ids,
            owner,
            positions,
            np.repeat(np.arange(len(rows)), [sum(len(window.words) for window in row) for row in rows]),
            np.concatenate(first_subwords),
            words,
            self.given_label[words].astype(np.int64),
        )
        tensors = [torch.from_numpy(array).to(self.device, non_blocking=True) for array in arrays]
        ids_RT, owner_RT, positions_RT, *of_words = tensors
        moved_RT = None if self.first_position is None else positions_RT + self.first_position
        return Rows(ids_RT, owner_RT, moved_RT, *of_words)


def pack(windows: list[Window], max_width: int) -> tuple[list[list[Window]], int]:
    """Lay windows, from short to long, in rows, and return the rows and their width, at most `max_width`.

    Of all widths up to WIDEST times the longest window, that with the least cost is taken.
    """
    lengths = [len(window.ids) for window in windows]
    total, longest = sum(lengths), lengths[-1]

    def cost(num_rows: int, width: int) -> int:
        return num_rows * width * (ATTENDED + width)

    # By the cost that a width has where its rows leave no gap: once that is too high, no later width can win.
    widths = range(longest, max(longest, min(max_width, int(WIDEST * longest))) + 1)
    best: tuple[list[list[Window]], int] = [], 0
    least = inf
    for bound, width in sorted((cost(-(-total // width), width), width) for width in widths):
        if bound >= least:
            break
        rows = first_fit(windows, width)
        if cost(len(rows), width) < least:
            least, best = cost(len(rows), width), (rows, width)
    return best


def first_fit(windows: list[Window], width: int) -> list[list[Window]]:
    """Lay windows, from short to long, in rows of `width` pieces: the longest first, each where it first fits."""
    rows: list[list[Window]] = []
    free: list[int] = []
    for window in reversed(windows):
        length = len(window.ids)
        row = next((number for number, room in enumerate(free) if room >= length), len(rows))
        if row == len(rows):
            rows.append([])
            free.append(width)
        rows[row].append(window)
        free[row] -= length
    return rows


def windows_of(
    tokenizer: PreTrainedTokenizerBase, split: Split, max_length: int, truncate: bool = False
) -> Iterator[list[Window]]:
    """Cut each sentence of a split into windows of at most `max_length` pieces, between words.

    With `truncate`, each sentence is one window and what does not fit is lost, as `truncated_window` says.
    """
    pieces = split.pieces or pieces_of(tokenizer, split.tokens, split.starts)
    probe = tokenizer(" ".join(PROBES), add_special_tokens=True, return_special_tokens_mask=True)
    first = probe["special_tokens_mask"].index(0)
    last = len(probe["input_ids"]) - probe["special_tokens_mask"][::-1].index(0)
    before, after = probe["input_ids"][:first], probe["input_ids"][last:]
    room = max_length - len(before) - len(after)
    cut = truncated_window if truncate else cut_windows
    for start, end in itertools.pairwise(split.starts):
        of_words = [word[:room] for word in pieces[start:end]]
        yield cut(of_words, int(start), room, before, after)


def cut_windows(pieces: list[list[int]], start: int, room: int, before: list[int], after: list[int]) -> list[Window]:
    """Cut a sentence's word-pieces into windows of at most `room` pieces, between words, none twice."""
    windows: list[Window] = []
    ids: list[int] = []
    first_subwords: list[int] = []
    first = 0

    def close(end: int) -> None:
        words = np.arange(start + first, start + end)
        windows.append(Window(np.array([*before, *ids, *after]), np.array(first_subwords), words))

    for word, word_pieces in enumerate(pieces):
        if ids and len(ids) + len(word_pieces) > room:
            close(word)
            ids, first_subwords, first = [], [], word
        first_subwords.append(len(before) + len(ids))
        ids = ids + word_pieces
    close(len(pieces))
    return windows


def truncated_window(
    pieces: list[list[int]], start: int, room: int, before: list[int], after: list[int]
) -> list[Window]:
    """Keep the first `room` word-pieces of a sentence, and read its words where the authors' reader does.

    That cuts pieces and labels to so many items each, though a word has one label and more pieces
    (model_utils.py:155-188; bert_models.py:80-90). So the first word cut off is read at [SEP], others at zeros: LOST.
    """
    ids = [piece for word in pieces for piece in word][:room]
    firsts = np.cumsum([0, *(len(word) for word in pieces[:-1])])
    num_read = int((firsts < room).sum())
    first_subwords = np.full(len(pieces), LOST)
    first_subwords[: num_read + 1] = len(before) + np.minimum(firsts[: num_read + 1], room)
    return [Window(np.array([*before, *ids, *after]), first_subwords, np.arange(start, start + len(pieces)))]
