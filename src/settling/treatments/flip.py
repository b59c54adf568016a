"""Label noise that always changes the label."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.noise import NoiseKeys, NoiseTreatment, noise_uniforms

Name = Annotated[Literal["flip"], Field(description="Each picked word gets a label drawn from all tags but its own.")]


class FlipKeys(NoiseKeys):
    """Flipped labels at several levels."""

    kind: Name


class FlipTreatment(NoiseTreatment):
    """Flipped labels at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: FlipTreatment) -> Treated:
    """Pick each word with probability percent/100 and draw its label uniformly over the K-1 other tags.

    Raises BadInput where there is no other tag.
    """
    picked, label = noise_uniforms(corpus, treatment.noise_seed)
    num_tags = len(corpus.tags)
    if num_tags == 1:
        raise BadInput(f"flip: gives words another tag, but the data set has one, {corpus.tags[0]}")
    shift = 1 + (label * (num_tags - 1)).astype(np.int64)
    other = ((corpus.label + shift) % num_tags).astype(np.uint16)
    given_label = np.where(picked < treatment.share, other, corpus.label)
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="labels changed to another tag",
    random=True,
    keys=FlipKeys,
    treatment=FlipTreatment,
    treat=treat,
)
