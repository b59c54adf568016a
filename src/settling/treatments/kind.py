"""What a kind of treatment says of itself, in its own file; everything else asks its KIND."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from settling.data.tasks.task import Task
from settling.model import Count, Model
from settling.treatments.corpus import Corpus, Treated

# What a treatment is for. Tables have it as a column, by which figures, claims and findings choose their rows.
Family = Literal["clean", "noise", "cap", "control", "truncation"]
# The name of a treatment, as in paths, and its parameters without the noise seed.
Member = tuple[str, dict[str, Any]]
# The treatment that every study has. It has no keys, as there is only one.
CLEAN: Member = ("clean", {"kind": "clean"})


class Keys(Model):
    """The keys of a block under `treatments` in a configuration, which asks for several treatments of one kind."""

    kind: str

    def members(self, key: str, blocks: Mapping[str, "Keys"]) -> list[Member]:
        """Return the treatments that the block asks for; `key` is its own of the study's `blocks`."""
        raise NotImplementedError


class Treatment(Model):
    """One treatment and its noise seed: the spec of `settling treat`."""

    kind: str
    noise_seed: Annotated[Count, Field(description="The number that seeds the random choices of the treatment.")]

    def files(self) -> dict[str, str]:
        """Return the paths of the files that it reads beside the training split, by what they are to it."""
        return {}

    def code(self) -> list[str]:
        """Return the modules that it calls and that neither its kind nor the stage imports."""
        return []


@dataclass(frozen=True)
class Kind:
    """A kind of treatment.

    `phrase` says in a few words what happens to the training split. `random` says whether chance is part of it; a
    treatment without chance has one noise seed, 0. `keys` is None where a configuration cannot ask for it, as every
    study has it. `treat` takes the training split and the `treatment`, and raises BadInput where the split cannot be
    so treated. A control names the kind that it `controls`: it has the same keys. `needs_outside` says that the data
    set must have the tag O, `needs_words` that it must be of words.
    """

    family: Family
    phrase: str
    random: bool
    keys: type[Keys] | None
    treatment: type[Treatment]
    treat: Callable[[Corpus, Any], Treated]
    controls: str | None = None
    needs_outside: bool = False
    needs_words: bool = False

    def misfit(self, task: Task) -> str | None:
        """Say why it is not for data sets of a task, in words that follow its name; None where it is."""
        if self.needs_outside and not task.has_outside:
            return f"gives {task.unit}s the tag O, which this task does not have"
        if self.needs_words and task.examples != "words":
            return f"is for words, but this task is of {task.examples}"
        return None
