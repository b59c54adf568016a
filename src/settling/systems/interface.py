"""What the training loop asks of a system."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray


class Outcome(NamedTuple):
    """What a system made of some sentences, W words in all."""

    words: torch.Tensor
    """[W] int64, positions in the split, in no particular order."""
    predicted: torch.Tensor
    """[W] int64, indices into the tag list."""
    losses: torch.Tensor
    """[W] float, nats, of the label given to each word."""


class Prepared(Protocol):
    """A split made ready for a system, on its device: tokenised once, used at every epoch."""

    def batches(self, order: NDArray[np.integer], batch_size: int) -> Sequence[Sequence["Pieces"]]:
        """Cut the sentences, in `order`, into batches of `batch_size` sentences, each in pieces to compute."""
        ...


class Pieces(Protocol):
    """A part of a batch that goes through the model in one call; `words` [W] are its positions in the split."""

    @property
    def words(self) -> torch.Tensor:
        """[W] int64."""
        ...


class System(Protocol):
    """A model under study, made of a recipe, a checkpoint and the splits it is to see."""

    module: torch.nn.Module
    prepared: Mapping[str, Prepared]

    def outcome(self, pieces: Any) -> Outcome:
        """Run the model; where gradients are on, `losses` carries them."""
        ...
