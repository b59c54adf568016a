"""What the training loop asks of a system."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from settling.canonical import generator
from settling.data.split import Split
from settling.training.recipe import Recipe


class Output(NamedTuple):
    """What a system predicts for the W words of a micro-batch."""

    words: torch.Tensor
    """[W] int64, positions in the split, in no particular order."""
    predicted: torch.Tensor
    """[W] int64, indices into the tag list."""
    losses: torch.Tensor
    """[W] float, nats, of the label given to each word."""
    margins: torch.Tensor
    """[W] float, nats: log-probability of the given label less the greatest of another label."""
    objective: torch.Tensor
    """Scalar training loss, summed over the words (nats)."""


def output_of(words: torch.Tensor, logits_WK: torch.Tensor, given_label: torch.Tensor) -> Output:
    """Return the output of a softmax over K tags: cross-entropy is both the words' loss and the objective."""
    logits_WK = logits_WK.float()
    losses = functional.cross_entropy(logits_WK, given_label, reduction="none")
    return Output(words, logits_WK.argmax(-1), losses, margins_of(logits_WK.detach(), given_label), losses.sum())


def margins_of(logits_WK: torch.Tensor, given_label: torch.Tensor) -> torch.Tensor:
    """Return the given label's logit less the greatest other one (Pleiss et al. 2020, the margin of AUM)."""
    logit = logits_WK.gather(1, given_label[:, None])
    others = logits_WK.scatter(1, given_label[:, None], -torch.inf)
    return logit[:, 0] - others.amax(1)


class Prepared(Protocol):
    """A split made ready for a system, on its device: tokenised once, used at every epoch."""

    def batches(self, order: NDArray[np.integer], batch_size: int) -> Iterable[Sequence["MicroBatch"]]:
        """Cut the sentences, in `order`, into batches of `batch_size` sentences, each a list of micro-batches.

        A batch is best made when its turn comes: all batches of an epoch at once take memory.
        """
        ...


class MicroBatch(Protocol):
    """A part of a batch that goes through the model in one call."""

    @property
    def words(self) -> torch.Tensor:
        """[W] int64."""
        ...


class System(ABC):
    """A model under study: its weights in `module`, and the splits it is to see, `prepared`."""

    module: torch.nn.Module
    prepared: Mapping[str, Prepared]

    def __init__(self, recipe: Recipe, splits: Mapping[str, Split]) -> None:
        self.recipe = recipe
        self.num_sentences = splits["train"].num_sentences

    @property
    def total_steps(self) -> int:
        """How many updates a whole run takes."""
        return self.recipe.epochs * -(-self.num_sentences // self.recipe.batch_size)

    def batches(self, epoch: int, seed: int) -> Iterable[Sequence[MicroBatch]]:
        """Return the batches of an epoch: every training sentence once, in random order."""
        order = generator("order", seed, epoch).permutation(self.num_sentences)
        return self.prepared["train"].batches(order, self.recipe.batch_size)

    @abstractmethod
    def output(self, micro_batch: Any) -> Output:
        """Run the model; where gradients are on, `objective` carries them."""

    def before_evaluation(self) -> None:
        """Make ready to be evaluated, in evaluation mode without gradients; most systems need not."""
        return
