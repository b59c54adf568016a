"""A bidirectional LSTM over words and their characters, with a CRF over the tags: the paper's baseline.

The defaults are the paper's 10 layers, word vectors of 300 numbers and character vectors of 50. docs/config.md says
what is ours, as the paper's code for it is not released.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from settling.model import Layers, Share, Size
from settling.systems.kind import Kind
from settling.training.recipe import Recipe, bound_parameters
from settling.validation import Name


class BilstmCrfRecipe(Recipe):
    """A bidirectional LSTM over words and their characters, with a CRF over the tags."""

    kind: Annotated[
        Literal["bilstm-crf"],
        Field(description="A bidirectional LSTM over words and their characters, with a CRF over the tags."),
    ]
    checkpoint: Name | None = Field(
        None, description="A name under `checkpoints`, of kind `vectors`. Without one, word vectors are random."
    )
    layers: Layers = Field(10, description="Layers of the LSTM.")
    hidden_size: Size = Field(300, description="Numbers of a hidden state, in each direction.")
    word_size: Size = Field(300, description="Numbers of a word vector. Those of a checkpoint must be as many.")
    character_size: Size = Field(50, description="Numbers that stand for the characters of a word.")
    dropout: Share = Field(
        0.1,
        description="Dropout before each layer and the output: as in the encoders, so that systems differ in less.",
    )

    @model_validator(mode="after")
    def _fits_a_machine(self) -> "BilstmCrfRecipe":
        # Four gates in each of two directions, of what comes in and of what was there before.
        first, rest = self.word_size + self.character_size, (self.layers - 1) * 2 * self.hidden_size
        bound_parameters(8 * self.hidden_size * (first + rest + self.layers * self.hidden_size), "layers, hidden_size")
        return self


KIND = Kind(
    recipe=BilstmCrfRecipe,
    model="settling.systems.bilstm_crf_model",
    examples="words",
    checkpoints=("vectors",),
    figures=frozenset({"noise without pretraining", "clean words"}),
)
