"""Label noise in which the wrong label depends on the right one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from settling.errors import BadInput, choices
from settling.model import MAX_FLOAT, NUMBER
from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import CLEAN, Keys, Kind, Member
from settling.treatments.noise import NoiseKeys, NoiseTreatment, noise_uniforms

OUTSIDE = "O"
Name = Annotated[
    Literal["class-dependent"],
    Field(description="Each picked word gets a class drawn by the weights of its own class, and keeps its B or I."),
]
Weight = Annotated[float, Field(ge=0, le=MAX_FLOAT), NUMBER]


def _has_weight(weights: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    for name, row in weights.items():
        if not any(row.values()):
            raise ValueError(f"{name}: found no weight above 0, expected one at least")
    return weights


Weights = Annotated[
    dict[str, dict[str, Weight]],
    Field(
        min_length=1,
        description="For each class (an entity type, or O) the classes that its words get, with their weights. A word "
        "of a class that is not named keeps its label, and so does one that draws its own class.",
    ),
    AfterValidator(_has_weight),
]


class ClassDependentKeys(NoiseKeys):
    """Labels changed by the weights of their classes, at several levels."""

    kind: Name
    weights: Weights

    def members(self, key: str, blocks: Mapping[str, Keys]) -> list[Member]:
        """Return a treatment for each level, named after the block's key, as each block has weights of its own."""
        shared: dict[str, Any] = {"kind": self.kind, "weights": self.weights}
        return [
            (f"noise-{self.kind}-{key}-{level}", {**shared, "percent": level}) if level else CLEAN
            for level in self.levels
        ]


class ClassDependentTreatment(NoiseTreatment):
    """Labels changed by the weights of their classes, at one level."""

    kind: Name
    weights: Weights


def treat(corpus: Corpus, treatment: ClassDependentTreatment) -> Treated:
    """Pick each word with probability percent/100 and draw its class by the weights of its class.

    A word of a mention keeps its letter, B or I; an O that becomes a class begins a mention. Raises BadInput for a
    class that the data set does not have.
    """
    classes = [*corpus.types, *([OUTSIDE] if OUTSIDE in corpus.tags else [])]
    for name in [*treatment.weights, *(other for row in treatment.weights.values() for other in row)]:
        if name not in classes:
            raise BadInput(f"weights: the data set has no class {name!r}; {choices(name, classes)}")
    picked, label = noise_uniforms(corpus, treatment.noise_seed)
    given_label = corpus.label.copy()
    for tag, letter, own in _parts(corpus.tags):
        if own not in treatment.weights:
            continue
        others, weights = zip(*sorted(treatment.weights[own].items()), strict=True)
        words = np.flatnonzero((corpus.label == tag) & (picked < treatment.share))
        bounds = np.cumsum(weights) / np.sum(weights)
        # The last bound may be below 1 by rounding.
        drawn = np.searchsorted(bounds[:-1], label[words], side="right")
        given_label[words] = np.array([_tag(corpus, letter, other) for other in others], dtype=np.uint16)[drawn]
    return relabelled(given_label)


def _parts(tags: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Return each tag's number, its letter (B for O) and its class."""
    return [
        (number, "B" if tag == OUTSIDE else tag[0], tag if tag == OUTSIDE else tag[2:])
        for number, tag in enumerate(tags)
    ]


def _tag(corpus: Corpus, letter: str, name: str) -> int:
    """Return the number of a class's tag with this letter, or with B where no word of the data set has it."""
    if name == OUTSIDE:
        return corpus.tags.index(OUTSIDE)
    found = [tag for tag in (f"{letter}-{name}", f"B-{name}", f"I-{name}") if tag in corpus.tags]
    return corpus.tags.index(found[0])


KIND = Kind(
    family="noise",
    phrase="labels changed by weights of their classes",
    random=True,
    keys=ClassDependentKeys,
    treatment=ClassDependentTreatment,
    treat=treat,
)
