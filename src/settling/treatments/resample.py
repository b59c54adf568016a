"""Label noise as the authors' code makes it (trainer.py:676-692)."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.noise import NoiseKeys, NoiseTreatment, noise_uniforms

Name = Annotated[
    Literal["resample"], Field(description="Each picked word gets a label drawn from all tags, its own included.")
]


class ResampleKeys(NoiseKeys):
    """Resampled labels at several levels."""

    kind: Name


class ResampleTreatment(NoiseTreatment):
    """Resampled labels at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: ResampleTreatment) -> Treated:
    """Pick each word with probability percent/100 and draw its label uniformly over all K tags, its own included.

    The share of words whose label changes is percent/100 x (K-1)/K in expectation.
    """
    picked, label = noise_uniforms(corpus, treatment.noise_seed)
    drawn = (label * len(corpus.tags)).astype(np.uint16)
    given_label = np.where(picked < treatment.share, drawn, corpus.label)
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="labels drawn from all tags",
    random=True,
    keys=ResampleKeys,
    treatment=ResampleTreatment,
    treat=treat,
)
