"""Mentions of a wrong type."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.mentions import MentionNoiseKeys, MentionNoiseTreatment, mentions_of, write_mentions

Name = Annotated[
    Literal["span"], Field(description="Each picked mention, as a whole, gets a type drawn from all but its own.")
]


class SpanKeys(MentionNoiseKeys):
    """Mentions given another type, at several levels."""

    kind: Name


class SpanTreatment(MentionNoiseTreatment):
    """Mentions given another type, at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: SpanTreatment) -> Treated:
    """Pick each mention with probability percent/100 and draw its type uniformly over the other types.

    Raises BadInput where there is no other type.
    """
    mentions = mentions_of(corpus, treatment.noise_seed)
    num_types = len(corpus.types)
    if num_types == 1:
        raise BadInput(f"span: gives mentions another type, but the data set has one, {corpus.types[0]}")
    picked = mentions.picked < treatment.share
    shift = 1 + (mentions.choice * (num_types - 1)).astype(np.int64)
    other = (mentions.type_of + shift) % num_types
    given_label = corpus.label.copy()
    write_mentions(corpus, given_label, mentions.first[picked], mentions.last[picked], other[picked])
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="mentions given another type",
    random=True,
    keys=SpanKeys,
    treatment=SpanTreatment,
    treat=treat,
)
