"""What a configuration is made of: the model that checks its keys, and numbers with their bounds.

The bounds are far beyond what anyone trains. Past them a number overflows, or asks for memory that no machine has.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# The most items of a list of numbers.
MAX_LISTED = 10_000
# Tables count epochs in 16 bits with a sign, and an artifact holds no more than so many.
MAX_EPOCHS = 10_000
# Sentences; updates of the weights.
MAX_SENTENCES, MAX_UPDATES = 1_000_000, 1_000_000_000
# Word-pieces a window; layers; numbers of a vector; pixels a side.
MAX_PIECES, MAX_LAYERS, MAX_SIZE, MAX_PIXELS = 65_536, 1_000, 65_536, 4_096
# The largest number that float32 is asked to compute with; it ends at 3.4e38.
MAX_FLOAT = 1e30
# What a cluster is asked for: GPUs, CPUs, MB, minutes (a year), runs one after the other. SLURM counts in 32 bits.
MAX_GPUS, MAX_CPUS, MAX_MEMORY, MAX_MINUTES, MAX_RUNS_PER_JOB = 1_024, 65_536, 100_000_000, 525_600, 1_000


def _refuse_truth(value: Any) -> Any:
    """Refuse true and false, which Python takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"found {str(value).lower()}, expected a number")
    return value


# Every number of a configuration is annotated with it.
NUMBER = BeforeValidator(_refuse_truth)

Number = Annotated[float, NUMBER]
# Tables hold seeds, noise seeds and numbers of sentences as int32.
Count = Annotated[int, Field(ge=0, lt=2**31), NUMBER]
Epochs = Annotated[int, Field(ge=1, le=MAX_EPOCHS), NUMBER]
Sentences = Annotated[int, Field(ge=1, le=MAX_SENTENCES), NUMBER]
Updates = Annotated[int, Field(ge=1, le=MAX_UPDATES), NUMBER]
Layers = Annotated[int, Field(ge=1, le=MAX_LAYERS), NUMBER]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE), NUMBER]
# A number from 0 to 1, but not 1.
Share = Annotated[float, Field(ge=0, lt=1), NUMBER]
Listed = Field(min_length=1, max_length=MAX_LISTED)


def any_of(models: Sequence[type[BaseModel]]) -> Any:
    """Return the type of what is of one of several models, each known by its key `kind`."""
    return Annotated[Union[tuple(models)], Field(discriminator="kind")]  # noqa: UP007


class Model(BaseModel):
    """A piece of the configuration: unknown keys are errors, values never change after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
