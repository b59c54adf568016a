"""A transformer encoder with a linear layer over tags: a pretrained checkpoint, or its random twin.

The first word-piece carries a word's label (paper section 3; model_utils.py:155-188). [CLS], [SEP] and padding
are neither in the loss nor in the output space.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from settling.data.split import Split
from settling.data.tokens import PROBES, load_tokenizer, pieces_of
from settling.errors import BadInput, one_line_errors
from settling.systems.encoder import EncoderRecipe
from settling.systems.loading import SAFELY, accelerate, load_backbone
from settling.training import interface
from settling.training.interface import Output, output_of
from settling.training.recipe import TransformerRecipe

# Their own positions and attention masks can be given, so that several windows share a row of the batch.
PACKED = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert"})
# Bounds the memory of one pass.
PACKED_PIECES = 4096
# Of padded rows: few enough that windows of like length go together, enough for full matrix products.
PADDED_ROWS = 8
# The first sub-word of a word for which a truncated sentence has no vector.
LOST = -1


@dataclass(frozen=True)
class Window:
    """A stretch of a sentence that fits the model: its `words` (w,), and where the first sub-word of each is."""

    ids: NDArray[np.int64]
    first_subwords: NDArray[np.int64]
    words: NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Windows laid out in R rows of T word-pieces.

    The first sub-words of their W words are at (rows, first_subwords); `given_label` has the label of each word.

    Padded, a row is one window: `mask` [R, T] is 1 on its pieces. Packed, a row holds several, one after the other:
    `positions` [R, T] counts in each, and `mask` [R, 1, T, T] is 0 within a window and lowest between two.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor | None
    rows: torch.Tensor
    first_subwords: torch.Tensor
    words: torch.Tensor
    given_label: torch.Tensor


@dataclass(frozen=True)
class Windows:
    """A split cut into windows, `of_sentence[s]` those of sentence s, packed where a first position is given."""

    of_sentence: list[list[Window]]
    given_label: NDArray[np.uint16]
    pad_id: int
    first_position: int | None
    device: torch.device

    def batches(self, order: NDArray[np.integer], batch_size: int) -> list[list[Rows]]:
        """Cut the sentences, in `order`, into batches, laid out with little padding."""
        return [self._laid_out(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]

    def _laid_out(self, sentences: NDArray[np.integer]) -> list[Rows]:
        windows = [window for sentence in sentences for window in self.of_sentence[sentence]]
        windows.sort(key=lambda window: len(window.ids))
        if self.first_position is None:
            size = PADDED_ROWS if self.device.type == "cpu" else len(windows)
            rows = [[window] for window in windows]
        else:
            rows = pack(windows)
            size = max(1, PACKED_PIECES // len(windows[-1].ids))
        return [self._rows(rows[start : start + size]) for start in range(0, len(rows), size)]

    def _rows(self, rows: list[list[Window]]) -> Rows:
        width = max(sum(len(window.ids) for window in row) for row in rows)
        ids = np.full((len(rows), width), self.pad_id)
        positions = np.zeros((len(rows), width), dtype=np.int64)
        # Of which window each piece is, from 1 on; 0 is padding, which attends to itself.
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
        if self.first_position is None:
            return Rows(tensors[0], (tensors[1] > 0).long(), None, *tensors[3:])
        apart = tensors[1][:, None, :, None] != tensors[1][:, None, None, :]
        mask = torch.zeros(apart.shape, device=self.device).masked_fill_(apart, torch.finfo(torch.float32).min)
        return Rows(tensors[0], mask, tensors[2] + self.first_position, *tensors[3:])


def pack(windows: list[Window]) -> list[list[Window]]:
    """Lay windows, from short to long, in few rows no longer than the longest: first fit, the longest first."""
    rows: list[list[Window]] = []
    free: list[int] = []
    for window in reversed(windows):
        length = len(window.ids)
        row = next((number for number, room in enumerate(free) if room >= length), len(rows))
        if row == len(rows):
            rows.append([])
            free.append(len(windows[-1].ids))
        rows[row].append(window)
        free[row] -= length
    return rows


class System(interface.System):
    """The model and the splits made ready for it, on `device`.

    Weights that the checkpoint lacks come from torch's global generator, which the caller seeds.
    Raises BadInput for a checkpoint that transformers cannot load or that has too few layers.
    """

    def __init__(
        self, recipe: EncoderRecipe, checkpoint: Path, splits: Mapping[str, Split], device: torch.device
    ) -> None:
        super().__init__(recipe, splits)
        self.module, self.prepared = prepare(recipe, checkpoint, splits, len(splits["train"].tags), device)
        self.truncate = recipe.long_sentences == "truncate"

    def output(self, micro_batch: Rows) -> Output:
        """Run the model over a micro-batch."""
        return output_of(
            micro_batch.words, at_first_subwords(self.module, micro_batch, self.truncate), micro_batch.given_label
        )


def prepare(
    recipe: TransformerRecipe, checkpoint: Path, splits: Mapping[str, Split], num_outputs: int, device: torch.device
) -> tuple[PreTrainedModel, dict[str, Windows]]:
    """Return the model, with so many outputs a word, and the splits cut into windows for it, on `device`.

    Raises BadInput for a checkpoint that transformers cannot load or that has too few layers.
    """
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    truncate = recipe.long_sentences == "truncate"
    with one_line_errors(f"{checkpoint}: not a checkpoint that transformers can load"):
        model, tokenizer = load(recipe, checkpoint, num_outputs)
        pad_id = padding_of(tokenizer, model)
        max_length = min(recipe.max_length, num_positions(model))
        cut = {name: windows_of(tokenizer, split, max_length, truncate) for name, split in splits.items()}
        trim_vocabulary(model, [window for windows in cut.values() for of in windows for window in of], pad_id)
    accelerate(model, recipe, device)
    first = first_position(model) if model.config.model_type in PACKED else None
    return model, {name: Windows(cut[name], split.given_label, pad_id, first, device) for name, split in splits.items()}


def at_first_subwords(model: torch.nn.Module, micro_batch: Rows, truncate: bool) -> torch.Tensor:
    """Return the model's output [W, C] at the first sub-word of each word.

    With `truncate`, a word that is LOST gets the output of a zero vector."""
    positions = {} if micro_batch.positions is None else {"position_ids": micro_batch.positions}
    outputs_RTC: torch.Tensor = model(
        input_ids=micro_batch.ids, attention_mask=micro_batch.mask, **positions
    ).logits.float()
    outputs_WC = outputs_RTC[micro_batch.rows, micro_batch.first_subwords]
    if not truncate:
        return outputs_WC
    # A linear layer makes its bias of zeros.
    bias_C = cast(torch.nn.Linear, model.classifier).bias
    return torch.where((micro_batch.first_subwords == LOST)[:, None], bias_C, outputs_WC)


def load(recipe: TransformerRecipe, checkpoint: Path, num_tags: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return the model that the recipe asks for, with a fresh output layer, and its tokenizer."""
    config = AutoConfig.from_pretrained(checkpoint, num_labels=num_tags, **SAFELY)
    if recipe.layers:
        if recipe.layers > config.num_hidden_layers:
            raise BadInput(f"{checkpoint}: layers is {recipe.layers}, expected at most {config.num_hidden_layers}")
        config.num_hidden_layers = recipe.layers
    model = AutoModelForTokenClassification.from_config(config, dtype=torch.float32)
    if recipe.pretrained:
        load_backbone(model, checkpoint)
    return model, load_tokenizer(checkpoint)


def num_positions(model: PreTrainedModel) -> int:
    """Return how many pieces the model has positions for."""
    return int(getattr(model.config, "max_position_embeddings", 2**31)) - first_position(model)


def first_position(model: PreTrainedModel) -> int:
    """Return the position of a window's first piece: RoBERTa and its kind count from the one after the padding id."""
    tables = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    padding = [table.padding_idx for table in tables if getattr(table, "padding_idx", None) is not None]
    return max((index + 1 for index in padding), default=0)


def padding_of(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> int:
    """Return the piece that fills rows, which masks hide: the tokenizer's, or 0 where it has none the model embeds."""
    num_embeddings = cast(torch.nn.Embedding, model.get_input_embeddings()).num_embeddings
    pad_id = tokenizer.pad_token_id
    return pad_id if pad_id is not None and pad_id < num_embeddings else 0


def windows_of(
    tokenizer: PreTrainedTokenizerBase, split: Split, max_length: int, truncate: bool = False
) -> list[list[Window]]:
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
    windows = []
    for start, end in zip(split.starts[:-1], split.starts[1:], strict=True):
        of_words = [word[:room] for word in pieces[start:end]]
        windows.append(cut(of_words, int(start), room, before, after))
    return windows


def trim_vocabulary(model: PreTrainedModel, windows: list[Window], pad_id: int) -> None:
    """Keep only the embeddings that the windows use, and renumber their pieces.

    No prediction changes: the rows left out would get no gradient. Ids up to `pad_id` stay, as some models
    find positions by it. Raises ValueError where the tokenizer has pieces that the model lacks.
    """
    old = cast(torch.nn.Embedding, model.get_input_embeddings())
    special = np.arange(max(pad_id, old.padding_idx or 0) + 1)
    used = np.unique(np.concatenate([special, *(window.ids for window in windows)]))
    if used[-1] >= old.num_embeddings:
        raise ValueError(f"the tokenizer has a piece {used[-1]}, but the model embeds {old.num_embeddings} alone")
    new = torch.nn.Embedding(len(used), old.embedding_dim, padding_idx=old.padding_idx)
    with torch.no_grad():
        new.weight.copy_(old.weight[torch.from_numpy(used)])
    model.set_input_embeddings(new)
    for window in windows:
        window.ids[:] = np.searchsorted(used, window.ids)


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
