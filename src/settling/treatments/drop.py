"""Control of `cap`: as many sentences are lost, but none that holds the class."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated
from settling.treatments.kind import Kind
from settling.treatments.scarcity import ScarcityKeys, ScarcityTreatment, split_by_class

Name = Annotated[
    Literal["drop"],
    Field(description="Control of `cap`: as many sentences are lost as under a cap, but none that holds the class."),
]


class DropKeys(ScarcityKeys):
    """The control at several numbers of sentences."""

    kind: Name


class DropTreatment(ScarcityTreatment):
    """The control at one number of sentences."""

    kind: Name


def treat(corpus: Corpus, treatment: DropTreatment) -> Treated:
    """Remove as many random sentences without the class as `cap` removes with it; nested over `sentences`.

    Raises BadInput where there are not so many.
    """
    with_class, without = split_by_class(corpus, treatment)
    num_lost = max(len(with_class) - treatment.sentences, 0)
    if num_lost > len(without):
        raise BadInput(
            f"drop: {num_lost} sentences without {treatment.cap_class} should be lost, but there are only "
            f"{len(without)}; expected sentences of at least {len(with_class) - len(without)}"
        )
    return Treated(~np.isin(corpus.sentence, without[:num_lost]), corpus.label)


KIND = Kind(
    family="control",
    phrase="sentences without the class removed",
    random=True,
    keys=DropKeys,
    treatment=DropTreatment,
    treat=treat,
    controls="cap",
)
