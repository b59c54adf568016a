"""What kinds of label noise have in common: levels in percent, and words that are noisy at each higher level too."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from settling.canonical import generator
from settling.model import NUMBER, Listed
from settling.treatments.corpus import Corpus
from settling.treatments.kind import CLEAN, Keys, Member, Treatment

Percent = Annotated[int, Field(ge=0, le=100), NUMBER]


class NoiseKeys(Keys):
    """Label noise of one kind at several levels."""

    levels: Annotated[
        list[Percent], Listed, Field(description="Levels of noise, in percent of the words. Level 0 is `clean`.")
    ]

    def members(self, key: str, blocks: Mapping[str, Keys]) -> list[Member]:
        """Return a treatment for each level; level 0 is `clean`."""
        return [
            (f"noise-{self.kind}-{level}", {"kind": self.kind, "percent": level}) if level else CLEAN
            for level in self.levels
        ]


class NoiseTreatment(Treatment):
    """Label noise at one level."""

    percent: Annotated[Percent, Field(description="The share of the words that the noise picks, in percent.")]

    @property
    def share(self) -> float:
        """The probability with which a word, or mention, is picked."""
        return self.percent / 100


def noise_uniforms(corpus: Corpus, noise_seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two uniform numbers for each word (words,): which level picks the word, and which label it then gets.

    They depend on the noise seed alone, so the words picked at 10 % are among those at 20 %, with the same labels.
    """
    num_words = len(corpus.label)
    return generator("noise", noise_seed).random(num_words), generator("noise label", noise_seed).random(num_words)
