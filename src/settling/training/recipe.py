"""The keys that recipes of several kinds of systems share. The defaults are the paper's recipe, as far as it is known.

Sources: paper section 3; consts.py:441-452 of the authors' repository.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from settling.model import (
    MAX_CPUS,
    MAX_FLOAT,
    MAX_GPUS,
    MAX_MEMORY,
    MAX_MINUTES,
    MAX_PIECES,
    NUMBER,
    Epochs,
    Layers,
    Model,
    Sentences,
    Share,
)
from settling.validation import Name

View = Literal["minibatch", "epoch-end"]
Positive = Annotated[float, Field(gt=0, le=MAX_FLOAT), NUMBER]
# Parameters of a model whose shape the configuration gives: 40 GB of weights alone.
MAX_PARAMETERS = 10_000_000_000


class Resources(Model):
    """What one run asks of a cluster. It steers where a run runs, not what comes out."""

    gpu: Annotated[int, Field(ge=0, le=MAX_GPUS), NUMBER] = Field(0, description="Number of GPUs.")
    cpus: Annotated[int, Field(ge=1, le=MAX_CPUS), NUMBER] = Field(
        1, description="Number of CPUs. Threads stay 1 whatever it says, as they decide the bytes of a result."
    )
    memory: Annotated[int, Field(ge=1, le=MAX_MEMORY), NUMBER] = Field(
        4000,
        description="Memory in MB. Over CoNLL-2003 in batches of 32 sentences, a process took 1,150 with MiniLM of 6 "
        "layers and 2,700 with an encoder of BERT-base's size; it grows with the batch, not with the epochs.",
    )
    minutes: Annotated[float, Field(gt=0, le=MAX_MINUTES), NUMBER] = Field(60, description="Time limit in minutes.")


class Recipe(Model):
    """How a system is trained."""

    kind: str
    checkpoint: Name | None
    epochs: Epochs = Field(description="Passes over the training split.")
    batch_size: Sentences = Field(64, description="Sentences a batch.")
    learning_rate: Positive = Field(1e-4, description="Learning rate of AdamW (epsilon 1e-8).")
    weight_decay: Annotated[float, Field(ge=0, le=MAX_FLOAT), NUMBER] = Field(
        0.01, description="Weight decay of AdamW. Biases and LayerNorm have none."
    )
    warmup: Share = Field(0.1, description="Share of all steps in which the learning rate grows linearly from 0.")
    schedule: Literal["linear", "constant"] = Field(
        "linear", description="After the warm-up the learning rate falls linearly to 0, or stays constant."
    )
    clip: Positive = Field(1.0, description="The gradient's norm is cut to this value.")
    views: Annotated[tuple[View, ...], Field(min_length=1)] = Field(
        ("minibatch", "epoch-end"),
        description="When predictions for training words are recorded. `minibatch`: in training mode, as each batch "
        "passes, which costs nothing. `epoch-end`: in evaluation mode, which costs a pass over the training split.",
    )
    test_epochs: Literal["each", "best-and-last"] = Field(
        "each",
        description="After which epochs the test split is scored. `best-and-last`: after those whose entity F1 on dev "
        "is the best so far, and the last; so the best epoch has its scores, and the passes in between are saved. "
        "dev is scored after each epoch, as the phases are found by it.",
    )
    resources: Resources = Field(
        Resources(),
        description="What one run asks of a cluster. Without a cluster nothing reads it. It is not part of the spec, "
        "so changing it retrains nothing.",
    )

    @field_validator("views")
    @classmethod
    def _in_one_order(cls, views: tuple[View, ...]) -> tuple[View, ...]:
        return tuple(sorted(views, reverse=True))

    @model_validator(mode="after")
    def _views_differ(self) -> "Recipe":
        if len(set(self.views)) != len(self.views):
            raise ValueError(f"views repeat: {', '.join(self.views)}")
        return self


class AcceleratedRecipe(Recipe):
    """A model that a GPU can run in less precision, or compiled."""

    precision: Literal["float32", "tf32", "bfloat16"] = Field(
        "float32",
        description="Precision of matrix products. With `bfloat16` (autocast) weights and losses stay float32.",
    )
    compile: bool = Field(
        False,
        description="Run the model through `torch.compile`. It takes a minute or more, so it pays on a GPU where a run "
        "takes many minutes.",
    )


class TransformerRecipe(AcceleratedRecipe):
    """A transformer with a fast tokenizer: pretrained, or its random twin."""

    checkpoint: Name = Field(description="A name under `checkpoints`.")
    pretrained: bool = Field(True, description="`false`: a model of the checkpoint's shape with random weights.")
    layers: Layers | None = Field(None, description="How many of the first layers are kept. By default all are.")
    max_length: Annotated[int, Field(ge=4, le=MAX_PIECES), NUMBER] = Field(
        128,
        description="Word-pieces a window, special ones included. A longer sentence is cut between words into several "
        "windows. (The paper used windows of 50 and cut the rest off.)",
    )
    long_sentences: Literal["windows", "truncate"] = Field(
        "windows",
        description="`truncate` does as the authors' reader: what is beyond `max_length` is cut off. The first word "
        "lost is read at [SEP], the others at zeros, in the loss and in every score.",
    )


def bound_parameters(number: int, keys: str) -> None:
    """Raise ValueError, which names `keys`, where a model would have more parameters than any machine holds."""
    if number > MAX_PARAMETERS:
        raise ValueError(f"{keys} make a model of {number:.0e} parameters, expected at most {MAX_PARAMETERS:.0e}")
