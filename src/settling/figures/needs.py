"""Which runs a figure shows, and how to say that a study has none of them."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from settling.systems import KINDS, kind_of
from settling.systems.kind import FigureGroup
from settling.treatments import family_of

# Families of treatments. Beside the one that is asked for stands clean training, and beside a cap its controls.
SHOWN = {"noise": ("noise", "clean"), "cap": ("cap", "control", "clean"), "clean": ("clean",)}
WORDS = {"noise": "with label noise", "cap": "with a capped class", "clean": "on clean data"}


class Card(Protocol):
    """A row of the table `systems`, as a mapping or as pandas has it."""

    def __getitem__(self, column: str, /) -> Any: ...


class Needs(NamedTuple):
    """The runs that a figure is about; None or an empty tuple leaves the choice open.

    `systems` is the group of figures that a kind of system says it belongs to. Systems of the group `beside` are shown
    too, where there are runs of `systems`. `datasets` and `checkpoints` are beginnings of names, so that `deberta`
    takes `deberta-v3` in. `classes` are capped classes.
    """

    treatment: Literal["noise", "cap", "clean"] | None = None
    systems: FigureGroup | None = None
    pretrained: bool | None = None
    datasets: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    beside: FigureGroup | None = None

    def fits_system(self, card: Card) -> bool:
        """Return whether a system is of those needed; `card` is its row of the table `systems`."""
        return (self.systems is None or card["kind"] in kinds_in(self.systems)) and self._fits_weights(card)

    def shows_system(self, card: Card) -> bool:
        """Return whether the rows of a system are shown."""
        return self.fits_system(card) or (card["kind"] in kinds_in(self.beside) and self._fits_weights(card))

    def _fits_weights(self, card: Card) -> bool:
        return self.pretrained in (None, card["pretrained"]) and _begins(card["checkpoint"], self.checkpoints)

    def fits_dataset(self, name: str) -> bool:
        """Return whether a data set is of those needed."""
        return _begins(name, self.datasets)

    def fits_treatment(self, treatment: Mapping[str, Any]) -> bool:
        """Return whether a treatment, as `settling.study.treatments` gives it, is of those needed."""
        return (self.treatment is None or family_of(treatment) == self.treatment) and (
            not self.classes or treatment.get("class") in self.classes
        )

    def missing(self) -> str:
        """Say that there is no such run."""
        parts = ["no run"]
        if self.classes:
            parts.append(f"with a cap on class {' or '.join(self.classes)}")
        elif self.treatment:
            parts.append(WORDS[self.treatment])
        kinds = kinds_in(self.systems)
        if kinds or self.pretrained is not None:
            named = " or ".join(kinds) or "system"
            adjective = "pretrained " if self.pretrained else ""
            article = "an" if not adjective and named[0] in "aeiou" else "a"
            system = " system" if kinds else ""
            parts.append(f"of {article} {adjective}{named}{system}")
            parts += ["without pretraining"] if self.pretrained is False else []
        if self.checkpoints:
            parts.append(f"from a checkpoint {' or '.join(self.checkpoints)}")
        if self.datasets:
            parts.append(f"on the data set {' or '.join(self.datasets)}")
        return " ".join(parts)


def kinds_in(group: FigureGroup | None) -> list[str]:
    """Return the kinds of systems that a group of figures shows, in the order of the registry; none for None."""
    return [name for name in KINDS if group in kind_of(name).figures]


def _begins(name: object, beginnings: tuple[str, ...]) -> bool:
    # A system without a checkpoint has none, or pandas' null, for its name.
    return not beginnings or (isinstance(name, str) and name.startswith(beginnings))
