"""What a kind of system says of itself, in its own file; everything else asks its KIND."""

from dataclasses import dataclass
from typing import Literal

from settling.training.recipe import Recipe

# Which figures show the runs of a system (settling.figures).
FigureGroup = Literal["noise", "noise without pretraining", "few-shot", "beside few-shot", "clean words", "image noise"]


@dataclass(frozen=True)
class Kind:
    """A kind of system.

    `recipe` has its keys in a configuration. `model` is the module that holds its class `System`, which alone imports
    torch. `examples` is what it reads: a task says which of the two its data sets hold. `checkpoints` are the kinds of
    checkpoints that it takes. `figures` are the groups of figures that show it; a figure's line in the registry names
    its group.
    """

    recipe: type[Recipe]
    model: str
    examples: Literal["words", "images"]
    checkpoints: tuple[str, ...]
    figures: frozenset[FigureGroup]


# The kinds of checkpoints that hold a transformer's weights.
WEIGHTS = ("folder", "pypi", "hub")
