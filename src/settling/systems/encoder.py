"""A transformer encoder with a linear layer over the tags."""

from typing import Annotated, Literal

from pydantic import Field

from settling.systems.kind import WEIGHTS, Kind
from settling.training.recipe import TransformerRecipe


class EncoderRecipe(TransformerRecipe):
    """A transformer encoder with a linear layer over the tags."""

    kind: Annotated[Literal["encoder"], Field(description="A transformer encoder with a linear layer over the tags.")]


KIND = Kind(
    recipe=EncoderRecipe,
    model="settling.systems.encoder_model",
    examples="words",
    checkpoints=WEIGHTS,
    figures=frozenset({"noise", "noise without pretraining", "beside few-shot", "clean words"}),
)
