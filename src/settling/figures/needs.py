"""The runs that a figure is about, and the sentence for a study that has none of them."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from settling.systems import KINDS, kind_of
from settling.systems.kind import FigureGroup
from settling.treatments import family_of

# The families of treatments that a figure shows: the one it is about, clean training, and the controls of a cap.
SHOWN_FAMILIES = {"noise": ("noise", "clean"), "cap": ("cap", "control", "clean"), "clean": ("clean",)}
IN_WORDS = {"noise": "with label noise", "cap": "with a capped class", "clean": "on clean data"}


class SystemRow(Protocol):
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

    def fits_system(self, system: SystemRow) -> bool:
        """Return whether the figure is about this system; `system` is its row of the table `systems`."""
        return (self.systems is None or system["kind"] in kinds_in(self.systems)) and self._fits_weights(system)

    def shows_system(self, system: SystemRow) -> bool:
        """Return whether the rows of a system are shown."""
        return self.fits_system(system) or (system["kind"] in kinds_in(self.beside) and self._fits_weights(system))

    def _fits_weights(self, system: SystemRow) -> bool:
        return self.pretrained in (None, system["pretrained"]) and _begins(system["checkpoint"], self.checkpoints)

    def fits_dataset(self, name: str) -> bool:
        """Return whether the figure is about this data set."""
        return _begins(name, self.datasets)

    def fits_treatment(self, treatment: Mapping[str, Any]) -> bool:
        """Return whether this treatment, as `settling.study.treatments` gives it, is one that the figure is about."""
        return (self.treatment is None or family_of(treatment) == self.treatment) and (
            not self.classes or treatment.get("class") in self.classes
        )

    def missing(self) -> str:
        """Say that there is no such run."""
        parts = ["no run"]
        if self.classes:
            parts.append(f"with a cap on class {' or '.join(self.classes)}")
        elif self.treatment:
            parts.append(IN_WORDS[self.treatment])
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
    # The checkpoint of a system without one is None or pandas' null.
    return not beginnings or (isinstance(name, str) and name.startswith(beginnings))
