"""ProtoBERT: words are compared with one centroid a tag, made anew at each update (after Snell et al. 2017).

An update is an episode: the words of some sentences, the support, make the centroids, and those of others, the query,
the loss. The minority class is in both by design, unless a single sentence holds it. Unlike the authors', an
episode drops no sentence (proto_train.py:341,412), and the logit of O has no weight decay (proto_train.py:38-42).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import PreTrainedModel

from settling.canonical import generator
from settling.data.split import Split
from settling.errors import BadInput
from settling.systems.encoder_model import at_first_subwords, prepare
from settling.systems.protobert import ProtobertRecipe
from settling.systems.windows import Rows, Windows
from settling.training import interface
from settling.training.interface import Output, output_of

# Of O, before training (proto_train.py:265).
OUTSIDE_LOGIT = -4.0
# Of a tag that the support does not hold (proto_train.py:369,441).
ABSENT_LOGIT = -400.0
EVALUATION_SENTENCES = 64


@dataclass(frozen=True)
class Episode:
    """The sentences of one update, as micro-batches: the `support` makes the centroids, the `query` the loss."""

    support: list[Rows]
    query: list[Rows]

    @property
    def words(self) -> torch.Tensor:
        """[W] int64, positions of the query's words in the split."""
        return torch.cat([micro_batch.words for micro_batch in self.query])


class EpisodeSizes(NamedTuple):
    """How many sentences an episode has: those that hold the minority class, and others."""

    support_minority: int
    support_others: int
    query_minority: int
    query_others: int


class Prototypes(torch.nn.Module):
    """An encoder with a linear layer to M dimensions, the logit of O, and the centroids of K tags for evaluation."""

    centroids: torch.Tensor
    present: torch.Tensor

    def __init__(self, encoder: PreTrainedModel, num_tags: int, dimension: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.outside_logit = torch.nn.Parameter(torch.tensor(OUTSIDE_LOGIT))
        self.register_buffer("centroids", torch.zeros(num_tags, dimension))
        self.register_buffer("present", torch.zeros(num_tags, dtype=torch.bool))


class System(interface.System):
    """The model and the splits made ready for it, on `device`.

    Weights that the checkpoint lacks come from torch's global generator, which the caller seeds.
    Raises BadInput for a checkpoint that transformers cannot load or that has too few layers, for a training split of
    one sentence or without entities, and for tags without O.
    """

    recipe: ProtobertRecipe
    module: Prototypes
    prepared: dict[str, Windows]

    def __init__(
        self, recipe: ProtobertRecipe, checkpoint: Path, splits: Mapping[str, Split], device: torch.device
    ) -> None:
        super().__init__(recipe, splits)
        tags = splits["train"].tags
        if "O" not in tags:
            raise BadInput(f"found the tags {', '.join(tags)}; a system of kind protobert expects O among them")
        if self.num_sentences < 2:
            raise BadInput("found one sentence to train on; a system of kind protobert expects at least two")
        self.outside = tags.index("O")
        self.minority, self.others = split_by_minority(splits["train"])
        # From short to long, so that the pass over the training split pads little.
        self.by_length = np.argsort(np.diff(splits["train"].starts), kind="stable")
        self.sizes = episode_sizes(recipe, len(self.minority), len(self.others))
        encoder, self.prepared = prepare(recipe, checkpoint, splits, recipe.dimension, device)
        self.module = Prototypes(encoder, len(tags), recipe.dimension).to(device)

    @property
    def total_steps(self) -> int:
        """How many episodes a whole run takes: by default, as many sentences pass as in so many epochs."""
        passes = self.recipe.epochs * self.num_sentences
        return self.recipe.episodes or max(1, round(passes / sum(self.sizes)))

    def batches(self, epoch: int, seed: int) -> Iterator[list[Episode]]:
        """Return the episodes of an epoch, an equal share of all."""
        first, end = (self.total_steps * number // self.recipe.epochs for number in (epoch, epoch + 1))
        for number in range(first, end):
            yield [self._episode(seed, epoch, number)]

    def _episode(self, seed: int, epoch: int, number: int) -> Episode:
        drawn = draw_episode(self.minority, self.others, self.sizes, generator("episode", seed, epoch, number))
        return Episode(*(next(self.prepared["train"].batches(sentences, len(sentences))) for sentences in drawn))

    def output(self, micro_batch: Episode | Rows) -> Output:
        """Compare the words of an episode's query with its support, or those of a split with the model's centroids."""
        if isinstance(micro_batch, Rows):
            return self._compared([micro_batch], self.module.centroids, self.module.present)
        centroids_KM, present_K = centroids_of(*self._sums(micro_batch.support))
        if self.recipe.centroids == "running":
            self._follow(centroids_KM.detach(), present_K)
        return self._compared(micro_batch.query, centroids_KM, present_K)

    def before_evaluation(self) -> None:
        """Make the centroids of the whole training split, unless they are the running ones."""
        if self.recipe.centroids == "full":
            batches = self.prepared["train"].batches(self.by_length, EVALUATION_SENTENCES)
            centroids_KM, present_K = centroids_of(
                *self._sums(micro_batch for batch in batches for micro_batch in batch)
            )
            self.module.centroids.copy_(centroids_KM)
            self.module.present.copy_(present_K)

    def _embedded(self, micro_batch: Rows) -> torch.Tensor:
        return at_first_subwords(self.module.encoder, micro_batch, self.recipe.long_sentences == "truncate")

    def _sums(self, support: Iterable[Rows]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return, by given tag, the sum [K, M] of the words' embeddings and their number [K]."""
        sums_KM = torch.zeros_like(self.module.centroids)
        counts_K = sums_KM.new_zeros(len(sums_KM))
        for micro_batch in support:
            member_WK = functional.one_hot(micro_batch.given_label, len(sums_KM)).to(sums_KM.dtype)
            sums_KM = sums_KM + member_WK.T @ self._embedded(micro_batch)
            counts_K = counts_K + member_WK.sum(0)
        return sums_KM, counts_K

    @torch.no_grad()
    def _follow(self, centroids: torch.Tensor, present: torch.Tensor) -> None:
        """Move the running centroids [K, M] of the tags present [K], at first all the way (proto_train.py:396)."""
        alpha, old_KM = self.recipe.alpha, self.module.centroids
        moved_KM = torch.where(self.module.present[:, None], alpha * centroids + (1 - alpha) * old_KM, centroids)
        self.module.centroids.copy_(torch.where(present[:, None], moved_KM, old_KM))
        self.module.present.logical_or_(present)

    def _compared(self, query: list[Rows], centroids: torch.Tensor, present: torch.Tensor) -> Output:
        embedded_WM = torch.cat([self._embedded(micro_batch) for micro_batch in query])
        logits_WK = prototype_logits(embedded_WM, centroids, present)
        logits_WK[:, self.outside] = self.module.outside_logit
        words, given_label = (
            torch.cat([getattr(micro_batch, name) for micro_batch in query]) for name in ("words", "given_label")
        )
        return output_of(words, logits_WK, given_label)


def split_by_minority(split: Split) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sentences that hold the minority class, and the others.

    It is the class that the treatment makes scarce; where there is none such, or no sentence holds it, the entity type
    that the fewest sentences hold, some at least, and of several the first by name. Labels are those given. Raises
    BadInput where there is no entity.
    """
    holding = {}
    for name in sorted({tag[2:] for tag in split.tags if tag != "O"}):
        tags = [index for index, tag in enumerate(split.tags) if tag[2:] == name]
        holding[name] = np.unique(split.sentence[np.isin(split.given_label, tags)])
    found = {name: sentences for name, sentences in holding.items() if len(sentences)}
    if not found:
        raise BadInput("found no entity to train on; a system of kind protobert expects some to make centroids of")
    minority = found[split.scarce] if split.scarce in found else min(found.values(), key=len)
    return minority, np.setdiff1d(np.arange(split.num_sentences), minority)


def episode_sizes(recipe: ProtobertRecipe, num_minority: int, num_others: int) -> EpisodeSizes:
    """Return the sizes of an episode (proto_train.py:309-310,338-351), made to fit small training splits.

    A class in fewer than twice the sentences that the support wants gives it half of them; one in a single sentence
    gives it that one and the query none, as only the support makes the class a centroid. Where the others are few,
    the query has at most half of them, so that support and query are disjoint and the query is never empty.
    """
    support_minority = recipe.support_minority
    if num_minority < 2 * support_minority:
        support_minority = max(1, num_minority // 2)
    query_minority = min(recipe.query_minority, num_minority - support_minority)
    query_others = min(recipe.query_ratio * support_minority, -(-num_others // 2))
    support_others = min(recipe.support_others, num_others - query_others)
    return EpisodeSizes(support_minority, support_others, query_minority, query_others)


def draw_episode(
    minority: NDArray[np.int64], others: NDArray[np.int64], sizes: EpisodeSizes, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sentences of a random support and of a query without any of them."""
    minority, others = rng.permutation(minority), rng.permutation(others)
    minority_end, others_end = sizes.support_minority, sizes.support_others
    support = [minority[:minority_end], others[:others_end]]
    query = [
        minority[minority_end : minority_end + sizes.query_minority],
        others[others_end : others_end + sizes.query_others],
    ]
    return np.concatenate(support), np.concatenate(query)


def centroids_of(sums: torch.Tensor, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each tag's mean embedding [K, M] and whether it has any [K], from their sums [K, M] and counts [K]."""
    return sums / counts.clamp(min=1)[:, None], counts > 0


def prototype_logits(embedded: torch.Tensor, centroids: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Return less the squared distance [W, K] of words [W, M] to centroids [K, M], ABSENT_LOGIT to those absent [K]."""
    # A shift changes no distance, and near the origin the difference of squares below loses little.
    origin_M = embedded.detach().mean(0)
    words_WM, centroids_KM = embedded - origin_M, centroids - origin_M
    norms_WK = words_WM.square().sum(-1, keepdim=True) + centroids_KM.square().sum(-1)
    return torch.where(present, 2 * words_WM @ centroids_KM.T - norms_WK, ABSENT_LOGIT)
