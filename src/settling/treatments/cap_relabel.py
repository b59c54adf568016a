"""Control of `cap`: the same mentions are lost, but no sentence."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.scarcity import ScarcityKeys, ScarcityTreatment, split_by_class

Name = Annotated[
    Literal["cap-relabel"],
    Field(description="Control of `cap`: the mentions that a cap would remove become O. No sentence is lost."),
]


class CapRelabelKeys(ScarcityKeys):
    """The control at several numbers of sentences."""

    kind: Name


class CapRelabelTreatment(ScarcityTreatment):
    """The control at one number of sentences."""

    kind: Name


def treat(corpus: Corpus, treatment: CapRelabelTreatment) -> Treated:
    """Give O to the class's mentions in the sentences that `cap` with the same noise seed would remove."""
    with_class, _ = split_by_class(corpus, treatment)
    surplus = np.isin(corpus.sentence, with_class[treatment.sentences :]) & corpus.of_class(treatment.cap_class)
    given_label = np.where(surplus, np.uint16(corpus.tags.index("O")), corpus.label)
    return relabelled(given_label)


KIND = Kind(
    family="control",
    phrase="other mentions set to O",
    random=True,
    keys=CapRelabelKeys,
    treatment=CapRelabelTreatment,
    treat=treat,
    controls="cap",
    needs_outside=True,
)
