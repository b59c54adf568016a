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
from safetensors import SafetensorError
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from settling.config import EncoderSystem
from settling.errors import BadInput
from settling.systems.interface import Outcome
from settling.training.split import Split

# Small enough that a piece holds windows of like length, large enough for full matrix products on a core.
PIECE_WINDOWS = 8


@dataclass(frozen=True)
class Window:
    """A stretch of a sentence that fits the model: its `words` (w,) and where their first pieces are, `heads` (w,)."""

    ids: NDArray[np.int64]
    heads: NDArray[np.int64]
    words: NDArray[np.int64]


@dataclass(frozen=True)
class PaddedWindows:
    """Windows padded to the longest: ids and mask [B, T]; W words at (rows, heads) with label `given`."""

    ids: torch.Tensor
    mask: torch.Tensor
    rows: torch.Tensor
    heads: torch.Tensor
    words: torch.Tensor
    given: torch.Tensor


@dataclass(frozen=True)
class Windows:
    """A split cut into windows, `of_sentence[s]` those of sentence s."""

    of_sentence: list[list[Window]]
    given: NDArray[np.uint8]
    pad_id: int
    device: torch.device

    def batches(self, order: NDArray[np.integer], batch_size: int) -> list[list[PaddedWindows]]:
        """Cut the sentences, in `order`, into batches; within a batch, windows of like length share a piece."""
        return [self._pieces(order[start : start + batch_size]) for start in range(0, len(order), batch_size)]

    def _pieces(self, sentences: NDArray[np.integer]) -> list[PaddedWindows]:
        windows = [window for sentence in sentences for window in self.of_sentence[sentence]]
        windows.sort(key=lambda window: len(window.ids))
        size = PIECE_WINDOWS if self.device.type == "cpu" else len(windows)
        return [self._padded(windows[start : start + size]) for start in range(0, len(windows), size)]

    def _padded(self, windows: list[Window]) -> PaddedWindows:
        longest = max(len(window.ids) for window in windows)
        ids = np.full((len(windows), longest), self.pad_id)
        mask = np.zeros((len(windows), longest), dtype=np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        words = np.concatenate([window.words for window in windows])
        arrays = (
            ids,
            mask,
            np.repeat(np.arange(len(windows)), [len(window.words) for window in windows]),
            np.concatenate([window.heads for window in windows]),
            words,
            self.given[words].astype(np.int64),
        )
        return PaddedWindows(*(torch.from_numpy(array).to(self.device, non_blocking=True) for array in arrays))


class System:
    """The model and the splits made ready for it, on `device`.

    Weights that the checkpoint lacks come from torch's global generator, which the caller seeds.
    Raises BadInput for a checkpoint that transformers cannot load or that has too few layers.
    """

    def __init__(
        self, recipe: EncoderSystem, checkpoint: Path, splits: Mapping[str, Split], device: torch.device
    ) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        num_tags = len(splits["train"].tags)
        try:
            self.module, tokenizer = load(recipe, checkpoint, num_tags)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0]
            raise BadInput(f"{checkpoint}: not a checkpoint that transformers can load: {reason}") from None
        pad_id = tokenizer.pad_token_id or 0
        # Some models number positions from the one after the padding id.
        longest = getattr(self.module.config, "max_position_embeddings", 2**31) - pad_id - 1
        cut = {name: windows_of(tokenizer, split, min(recipe.max_length, longest)) for name, split in splits.items()}
        trim_vocabulary(self.module, [window for windows in cut.values() for of in windows for window in of], pad_id)
        cast(torch.nn.Module, self.module).to(device)
        self.prepared = {name: Windows(cut[name], split.given, pad_id, device) for name, split in splits.items()}

    def outcome(self, pieces: PaddedWindows) -> Outcome:
        """Run the model over a piece of a batch."""
        logits_BTK = self.module(input_ids=pieces.ids, attention_mask=pieces.mask).logits
        logits_WK = logits_BTK[pieces.rows, pieces.heads].float()
        losses_W = functional.cross_entropy(logits_WK, pieces.given, reduction="none")
        return Outcome(pieces.words, logits_WK.argmax(-1), losses_W)


def load(recipe: EncoderSystem, checkpoint: Path, num_tags: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return the model that the recipe asks for, with a fresh head, and its tokenizer."""
    config = AutoConfig.from_pretrained(checkpoint, num_labels=num_tags, local_files_only=True, trust_remote_code=False)
    if recipe.layers:
        if recipe.layers > config.num_hidden_layers:
            raise BadInput(f"{checkpoint}: layers is {recipe.layers}, expected at most {config.num_hidden_layers}")
        config.num_hidden_layers = recipe.layers
    tokenizer = AutoTokenizer.from_pretrained(
        checkpoint, add_prefix_space=True, local_files_only=True, trust_remote_code=False
    )
    if not recipe.pretrained:
        return AutoModelForTokenClassification.from_config(config, dtype=torch.float32), tokenizer
    model, loaded = AutoModelForTokenClassification.from_pretrained(
        checkpoint,
        config=config,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    lacking = [*loaded["missing_keys"], *(key for key, *_ in loaded["mismatched_keys"])]
    lacking = sorted(key for key in lacking if key.startswith(f"{model.base_model_prefix}."))
    if lacking:
        raise BadInput(f"{checkpoint}: the weights lack {len(lacking)} of the encoder's, such as {lacking[0]}")
    return model, tokenizer


def windows_of(tokenizer: PreTrainedTokenizerBase, split: Split, max_length: int) -> list[list[Window]]:
    """Tokenise a split and cut each sentence into windows of at most `max_length` pieces, between words."""
    encoded = tokenizer(split.sentences(), is_split_into_words=True, add_special_tokens=False)
    probe = tokenizer("a", add_special_tokens=True, return_special_tokens_mask=True)
    first = probe["special_tokens_mask"].index(0)
    last = len(probe["input_ids"]) - probe["special_tokens_mask"][::-1].index(0)
    before, after = probe["input_ids"][:first], probe["input_ids"][last:]
    room = max_length - len(before) - len(after)
    windows = []
    for sentence, start in enumerate(split.starts[:-1]):
        pieces: list[list[int]] = [[] for _ in range(split.starts[sentence + 1] - start)]
        for piece, word in zip(encoded["input_ids"][sentence], encoded.word_ids(sentence), strict=True):
            pieces[word].append(piece)
        # A word the tokenizer drops (a lone control character, say) is still a word: it is unknown.
        pieces = [(word or [tokenizer.unk_token_id])[:room] for word in pieces]
        windows.append(cut_windows(pieces, int(start), room, before, after))
    return windows


def trim_vocabulary(model: PreTrainedModel, windows: list[Window], pad_id: int) -> None:
    """Keep only the embeddings that the windows use, and renumber their pieces.

    No prediction changes: the rows left out would get no gradient. Ids up to `pad_id` stay, as some models
    find positions by it.
    """
    used = np.unique(np.concatenate([np.arange(pad_id + 1), *(window.ids for window in windows)]))
    old = cast(torch.nn.Embedding, model.get_input_embeddings())
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
    heads: list[int] = []
    first = 0

    def close(end: int) -> None:
        words = np.arange(start + first, start + end)
        windows.append(Window(np.array([*before, *ids, *after]), np.array(heads), words))

    for word, word_pieces in enumerate(pieces):
        if ids and len(ids) + len(word_pieces) > room:
            close(word)
            ids, heads, first = [], [], word
        heads.append(len(before) + len(ids))
        ids = ids + word_pieces
    close(len(pieces))
    return windows
