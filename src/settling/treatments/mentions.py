"""What kinds of noise in mentions have in common: which words a mention has, and mentions that are picked by level."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from settling.canonical import generator
from settling.model import Listed
from settling.treatments.corpus import Corpus
from settling.treatments.noise import NoiseKeys, NoiseTreatment, Percent


class MentionNoiseKeys(NoiseKeys):
    """Noise in mentions of one kind at several levels."""

    levels: Annotated[
        list[Percent], Listed, Field(description="Levels of noise, in percent of the mentions. Level 0 is `clean`.")
    ]


class MentionNoiseTreatment(NoiseTreatment):
    """Noise in mentions at one level."""

    percent: Annotated[Percent, Field(description="The share of the mentions that the noise picks, in percent.")]


@dataclass(frozen=True)
class Mentions:
    """The mentions of the true labels, in their order.

    `first` and `last` (mentions,) are the places of their first and last words, `type_of` (mentions,) indexes the types
    of the corpus. `picked` and `choice` (mentions,) are uniform numbers, which depend on the noise seed alone: the
    level at which a mention is picked, and what it then becomes. So mentions picked at 10 % are among those at 20 %.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    type_of: NDArray[np.int64]
    picked: NDArray[np.float64]
    choice: NDArray[np.float64]


def mentions_of(corpus: Corpus, noise_seed: int) -> Mentions:
    """Find the mentions of a corpus, whose labels are IOB2, or B-<class> for each word."""
    letters = np.array([tag[0] for tag in corpus.tags])[corpus.label]
    first = np.flatnonzero(letters == "B")
    mention_of_word = np.cumsum(letters == "B") - 1
    last = first + np.bincount(mention_of_word[letters != "O"], minlength=len(first)) - 1
    type_of = np.array([-1 if tag == "O" else corpus.types.index(tag[2:]) for tag in corpus.tags])[corpus.label[first]]
    picked, choice = (
        generator(name, noise_seed).random(len(first)) for name in ("noise mention", "noise mention label")
    )
    return Mentions(first, last, type_of, picked, choice)


def write_mentions(
    corpus: Corpus,
    given_label: NDArray[np.uint16],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    type_of: NDArray[np.int64],
) -> None:
    """Label the words from each `first` to its `last` (mentions,) as one mention of the type (mentions,) in place."""
    place = {tag: number for number, tag in enumerate(corpus.tags)}
    begins = np.array([place[f"B-{name}"] for name in corpus.types])
    # Where each mention has one word, as an image has, there is no I.
    inside = np.array([place.get(f"I-{name}", 0) for name in corpus.types])
    given_label[words_of(first, last)] = np.repeat(inside[type_of], last - first + 1)
    given_label[first] = begins[type_of]


def words_of(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places (words,) of the words from each `first` to its `last` (mentions,)."""
    sizes = last - first + 1
    return np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
