"""What a cap and its controls have in common: a class, and numbers of sentences that keep it."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from settling.canonical import generator
from settling.model import Count, Listed
from settling.treatments.corpus import Corpus
from settling.treatments.kind import Keys, Member, Treatment
from settling.validation import ClassName

CappedClass = Annotated[ClassName, Field(alias="class", description="The class, as the data set calls it.")]


class ScarcityKeys(Keys):
    """A class at several numbers of sentences."""

    model_config = ConfigDict(serialize_by_alias=True)
    cap_class: CappedClass
    sentences: Annotated[
        list[Count], Listed, Field(description="Numbers of training sentences in which the class stays.")
    ]

    def members(self, key: str, blocks: Mapping[str, Keys]) -> list[Member]:
        """Return a treatment for each number of sentences."""
        return [
            (
                f"{self.kind}-{slug(self.cap_class)}-{number}",
                {"kind": self.kind, "class": self.cap_class, "sentences": number},
            )
            for number in self.sentences
        ]


class ScarcityTreatment(Treatment):
    """A class at one number of sentences."""

    cap_class: CappedClass
    sentences: Annotated[Count, Field(description="The number of training sentences in which the class stays.")]


def slug(name: str) -> str:
    """Return what stands for a class in the name of a treatment, which is a part of paths.

    A class that is a name already stands for itself. Of any other the letters that ASCII has are left, and eight digits
    of its hash tell it from others; no name that stands for itself has the ~ before them.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        return name
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", ascii_only)[:40].strip("_")
    return f"{readable}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def split_by_class(corpus: Corpus, treatment: ScarcityTreatment) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the sentences with and without the class, each in an order that depends on the noise seed alone.

    Raises BadInput for a class that the data set does not have, and for one that should stay in some sentences although
    no training sentence has it.
    """
    with_class = corpus.sentences_with(treatment.cap_class)
    # Where it should stay in none, none need be there.
    if treatment.sentences:
        corpus.refuse_absent(treatment.cap_class)
    shuffled = generator("cap", treatment.noise_seed).permutation(corpus.num_sentences).astype(np.int32)
    return shuffled[with_class[shuffled]], shuffled[~with_class[shuffled]]
