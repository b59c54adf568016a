"""Label noise that keeps how often each label is given."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.noise import NoiseKeys, NoiseTreatment, noise_uniforms

Name = Annotated[
    Literal["permute"],
    Field(description="The labels of the picked words change places among them, so that each tag stays as frequent."),
]


class PermuteKeys(NoiseKeys):
    """Labels exchanged among words, at several levels."""

    kind: Name


class PermuteTreatment(NoiseTreatment):
    """Labels exchanged among words, at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: PermuteTreatment) -> Treated:
    """Pick each word with probability percent/100, and give the picked words each other's labels in a random order.

    A word may get the label that it had. Words picked at a level are picked at each higher one, with other labels.
    """
    picked, order = noise_uniforms(corpus, treatment.noise_seed)
    words = np.flatnonzero(picked < treatment.share)
    given_label = corpus.label.copy()
    given_label[words] = corpus.label[words[np.argsort(order[words])]]
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="labels exchanged among words",
    random=True,
    keys=PermuteKeys,
    treatment=PermuteTreatment,
    treat=treat,
)
