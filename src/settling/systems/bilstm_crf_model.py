"""A bidirectional LSTM over words and their characters, with a CRF over tags (Lample et al. 2016; Ma and Hovy 2016).

The paper's baseline: 10 layers, word vectors of 300 numbers, character vectors of 50, about 30M parameters, trained
on the CRF's likelihood. The defaults give 27,368,308 on CoNLL-2003's vocabulary, without those words of dev and test
that only a file of vectors knows. Its code is not released, so the rest is ours: docs/config.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from torchcrf import CRF

from settling.data.split import Split
from settling.data.vectors import VECTORS, read_vectors
from settling.systems.bilstm_crf import BilstmCrfRecipe
from settling.training import interface
from settling.training.interface import Output, margins_of

# The row of words without a vector of their own, and of characters that are not in training.
UNKNOWN = 0
# What follows a word's last character.
BEYOND = -1
# How often a word that training has once is taken for an unknown one (Lample et al. 2016, section 4.1).
UNKNOWN_RATE = 0.5
# Characters that a filter spans (Ma and Hovy 2016, table 1).
FILTER_WIDTH = 3


@dataclass(frozen=True)
class Vocabulary:
    """Rows of the embeddings: lower-cased words, and characters as they are. Row 0 of each is UNKNOWN.

    `rare` (rows,) are the words that training has once; `vectors` those that have one in the file.
    """

    words: dict[str, int]
    characters: dict[str, int]
    rare: NDArray[np.bool_]
    vectors: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class PaddedSentences:
    """B sentences, longest first, of `lengths` [B] (on the host) and W words in all.

    `words`, `ids` [W] and `characters` [W, L] go sentence by sentence; `mask` [B, T] says where they lie, and
    `given_label` [B, T] the label of each.
    """

    words: torch.Tensor
    ids: torch.Tensor
    characters: torch.Tensor
    lengths: torch.Tensor
    mask: torch.Tensor
    given_label: torch.Tensor


@dataclass(frozen=True)
class Sentences:
    """A split as rows of the embeddings: `ids` (words,), and `characters`, one array a word."""

    ids: NDArray[np.int64]
    characters: list[NDArray[np.int64]]
    split: Split
    device: torch.device

    def batches(self, order: NDArray[np.integer], batch_size: int) -> Iterator[list[PaddedSentences]]:
        """Cut the sentences, in `order`, into batches of one piece each: packed, a batch wastes nothing on padding."""
        for start in range(0, len(order), batch_size):
            yield [self._padded(order[start : start + batch_size])]

    def _padded(self, sentences: NDArray[np.integer]) -> PaddedSentences:
        starts = self.split.starts
        sentences = sentences[np.argsort(starts[sentences] - starts[sentences + 1], kind="stable")]
        lengths = starts[sentences + 1] - starts[sentences]
        words = np.concatenate([np.arange(starts[sentence], starts[sentence + 1]) for sentence in sentences])
        mask = np.arange(lengths[0]) < lengths[:, None]
        given_label = np.zeros(mask.shape, dtype=np.int64)
        given_label[mask] = self.split.given_label[words]
        spelt = [self.characters[word] for word in words]
        characters = np.full((len(words), max(map(len, spelt))), BEYOND)
        for row, found in enumerate(spelt):
            characters[row, : len(found)] = found
        arrays = (words, self.ids[words], characters, lengths, mask, given_label)
        tensors = [torch.from_numpy(array) for array in arrays]
        # Packing wants the lengths on the host.
        return PaddedSentences(*(part if part is tensors[3] else part.to(self.device) for part in tensors))


class Tagger(torch.nn.Module):
    """Embeddings, LSTM and a linear layer, which make the emissions of `crf`."""

    def __init__(self, recipe: BilstmCrfRecipe, vocabulary: Vocabulary, num_tags: int) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(recipe.dropout)
        self.filters = torch.nn.Conv1d(recipe.character_size, recipe.character_size, FILTER_WIDTH, padding="same")
        states = 2 * recipe.hidden_size
        sizes = [recipe.word_size + recipe.character_size, *[states] * (recipe.layers - 1)]
        self.layers = torch.nn.ModuleList(torch.nn.LSTM(size, recipe.hidden_size, bidirectional=True) for size in sizes)
        self.output = torch.nn.Linear(states, num_tags)
        self.crf = CRF(num_tags, batch_first=True)
        # Last, so that the weights above start the same whatever the treatment leaves of the vocabulary.
        num_characters = len(vocabulary.characters) + 1
        self.characters = torch.nn.Embedding(num_characters, recipe.character_size, padding_idx=UNKNOWN)
        self.words = torch.nn.Embedding(len(vocabulary.rare), recipe.word_size)
        self.rare: torch.Tensor
        self.register_buffer("rare", torch.from_numpy(vocabulary.rare), persistent=False)
        with torch.no_grad():
            for word, vector in vocabulary.vectors.items():
                self.words.weight[vocabulary.words[word]] = torch.from_numpy(vector)

    def forward(self, micro_batch: PaddedSentences) -> torch.Tensor:
        """Return the emissions [B, T, K]."""
        ids = micro_batch.ids
        if self.training:
            hidden = torch.rand(ids.shape, device=ids.device) < UNKNOWN_RATE
            ids = ids.masked_fill(hidden & self.rare[ids], UNKNOWN)
        words_WE = torch.cat([self.words(ids), self.spelling(micro_batch.characters)], -1)
        padded_BTE = words_WE.new_zeros(*micro_batch.mask.shape, words_WE.shape[-1])
        padded_BTE[micro_batch.mask] = words_WE
        packed = pack_padded_sequence(padded_BTE, micro_batch.lengths, batch_first=True)
        for number, layer in enumerate(self.layers):
            read = PackedSequence(self.dropout(packed.data), packed.batch_sizes)
            made, _ = layer(read)
            # Without this sum, as in Wu et al. 2016 (section 3.1), ten layers hardly learn: docs/config.md.
            packed = PackedSequence(packed.data + made.data, made.batch_sizes) if number else made
        states_BTH, _ = pad_packed_sequence(packed, batch_first=True)
        emissions_BTK: torch.Tensor = self.output(self.dropout(states_BTH))
        return emissions_BTK

    def spelling(self, characters: torch.Tensor) -> torch.Tensor:
        """Return [W, C]: the most that each filter makes of a word's characters [W, L] (Ma and Hovy 2016, figure 1)."""
        beyond_WL = characters == BEYOND
        spelt_WLC = self.characters(characters.masked_fill(beyond_WL, UNKNOWN))
        filtered_WCL = self.filters(spelt_WLC.transpose(1, 2))
        longest: torch.Tensor = filtered_WCL.masked_fill(beyond_WL[:, None], -torch.inf).amax(-1)
        return longest


class System(interface.System):
    """The model and the splits made ready for it, on `device`.

    Weights, and vectors that no file gives, come from torch's global generator, which the caller seeds.
    Raises BadInput for a checkpoint without word vectors, or with vectors that are not of `word_size` numbers.
    """

    def __init__(
        self, recipe: BilstmCrfRecipe, checkpoint: Path | None, splits: Mapping[str, Split], device: torch.device
    ) -> None:
        super().__init__(recipe, splits)
        vocabulary = vocabulary_of(splits, checkpoint, recipe.word_size)
        self.tagger = Tagger(recipe, vocabulary, len(splits["train"].tags)).to(device)
        self.module = self.tagger
        self.prepared = {name: sentences_of(split, vocabulary, device) for name, split in splits.items()}

    def output(self, micro_batch: PaddedSentences) -> Output:
        """Run the model over a batch: the predictions are Viterbi's, the losses those of the marginals."""
        crf, mask = self.tagger.crf, micro_batch.mask
        emissions_BTK = self.tagger(micro_batch)
        # Sentences lie in rows and words follow each other in them, so concatenated they are in the mask's order.
        paths = [tag for path in crf.decode(emissions_BTK.detach(), mask) for tag in path]
        predicted = torch.tensor(paths, device=mask.device)
        log_marginals_WK = log_marginals(crf, emissions_BTK, predicted, mask)
        given_label = micro_batch.given_label[mask]
        losses = -log_marginals_WK.gather(1, given_label[:, None])[:, 0]
        objective = -crf(emissions_BTK, micro_batch.given_label, mask, reduction="sum")
        return Output(micro_batch.words, predicted, losses, margins_of(log_marginals_WK, given_label), objective)


def log_marginals(crf: CRF, emissions_BTK: torch.Tensor, predicted: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return [W, K], nats: log-probability of each tag at each word, summed over the tags of all other words.

    The gradient of a path's negative log-likelihood by an emission is the tag's marginal, less one where the tag is on
    the path. It is taken along `predicted` [W], Viterbi's path, whose marginals are not small: so the one costs no
    small marginal its digits. What is less than float32 holds is given as the least that it holds.
    """
    on_path = torch.zeros(mask.shape, dtype=torch.int64, device=mask.device)
    on_path[mask] = predicted
    with torch.enable_grad():
        emissions_BTK = emissions_BTK.detach().requires_grad_()
        (gradient_BTK,) = torch.autograd.grad(-crf(emissions_BTK, on_path, mask, reduction="sum"), emissions_BTK)
    marginals_WK = gradient_BTK[mask] + functional.one_hot(predicted, emissions_BTK.shape[-1])
    return marginals_WK.clamp(torch.finfo(marginals_WK.dtype).tiny, 1.0).log()


def vocabulary_of(splits: Mapping[str, Split], checkpoint: Path | None, word_size: int) -> Vocabulary:
    """Return the words and characters of training, and those words of dev and test that have a vector in the file."""
    counts = Counter(token.lower() for token in splits["train"].tokens)
    unseen = {token.lower() for split in splits.values() for token in split.tokens} - counts.keys()
    vectors = read_vectors(checkpoint / VECTORS, {*counts, *unseen}, word_size) if checkpoint else {}
    words = [*sorted(counts), *sorted(unseen & vectors.keys())]
    characters = sorted({character for token in splits["train"].tokens for character in token})
    return Vocabulary(
        {word: row for row, word in enumerate(words, UNKNOWN + 1)},
        {character: row for row, character in enumerate(characters, UNKNOWN + 1)},
        np.array([False, *(counts[word] == 1 for word in words)]),
        vectors,
    )


def sentences_of(split: Split, vocabulary: Vocabulary, device: torch.device) -> Sentences:
    """Look a split's words and characters up."""
    ids = np.array([vocabulary.words.get(token.lower(), UNKNOWN) for token in split.tokens])
    characters = [
        np.array([vocabulary.characters.get(character, UNKNOWN) for character in token]) for token in split.tokens
    ]
    return Sentences(ids, characters, split, device)
