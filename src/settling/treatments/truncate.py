"""Long sentences cut short, as the authors' reader does (model_utils.py:155-188)."""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.model import Count, Listed
from settling.treatments.corpus import Corpus, Treated
from settling.treatments.kind import Keys, Kind, Member, Treatment

Name = Annotated[
    Literal["truncate"], Field(description="Each training sentence is cut to its first words; dev and test stay whole.")
]
Words = Annotated[Count, Field(ge=1)]


class TruncateKeys(Keys):
    """Cut sentences at several lengths."""

    kind: Name
    words: Annotated[list[Words], Listed, Field(description="Numbers of words that are left of a sentence.")]

    def members(self, key: str, blocks: Mapping[str, Keys]) -> list[Member]:
        """Return a treatment for each length."""
        return [(f"truncate-{number}", {"kind": "truncate", "words": number}) for number in self.words]


class TruncateTreatment(Treatment):
    """Cut sentences at one length."""

    kind: Name
    words: Annotated[Words, Field(description="The number of words that are left of a sentence.")]


def treat(corpus: Corpus, treatment: TruncateTreatment) -> Treated:
    """Remove the words of each sentence that come after its first `words`; the noise seed makes no difference."""
    position = np.arange(len(corpus.label)) - np.searchsorted(corpus.sentence, corpus.sentence)
    return Treated(position < treatment.words, corpus.label)


KIND = Kind(
    family="truncation",
    phrase="sentences cut to their first words",
    random=False,
    keys=TruncateKeys,
    treatment=TruncateTreatment,
    treat=treat,
)
