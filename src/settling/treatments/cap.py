"""A class made scarce by losing the sentences that hold it, as in the paper."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.treatments.corpus import Corpus, Treated
from settling.treatments.kind import Kind
from settling.treatments.scarcity import ScarcityKeys, ScarcityTreatment, split_by_class

Name = Annotated[
    Literal["cap"],
    Field(description="The class stays in so many sentences (all, where it has fewer); its other sentences are lost."),
]


class CapKeys(ScarcityKeys):
    """A cap at several numbers of sentences."""

    kind: Name


class CapTreatment(ScarcityTreatment):
    """A cap at one number of sentences."""

    kind: Name


def treat(corpus: Corpus, treatment: CapTreatment) -> Treated:
    """Remove the sentences that hold the class, all but `sentences` of them; nested over that number."""
    with_class, _ = split_by_class(corpus, treatment)
    lost = with_class[treatment.sentences :]
    return Treated(~np.isin(corpus.sentence, lost), corpus.label)


KIND = Kind(
    family="cap",
    phrase="other sentences removed",
    random=True,
    keys=CapKeys,
    treatment=CapTreatment,
    treat=treat,
)
