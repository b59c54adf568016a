"""Mentions where there is none."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from settling.canonical import generator
from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.mentions import MentionNoiseKeys, MentionNoiseTreatment, mentions_of, write_mentions

Name = Annotated[
    Literal["spurious"],
    Field(description="For each picked mention, as many words that are O, elsewhere, become a mention of its type."),
]


class SpuriousKeys(MentionNoiseKeys):
    """Mentions where there are none, at several levels."""

    kind: Name


class SpuriousTreatment(MentionNoiseTreatment):
    """Mentions where there are none, at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: SpuriousTreatment) -> Treated:
    """Pick each mention with probability percent/100, and label as many words elsewhere as one of its type.

    So spurious mentions have the lengths and types of real ones. Each is drawn uniformly from the runs of words in a
    sentence that are O and in no other spurious mention; a mention for which there is no such run gets none. Those
    picked at low levels are placed first, so that they stand at each higher level.
    """
    mentions = mentions_of(corpus, treatment.noise_seed)
    draw = generator("noise mention place", treatment.noise_seed)
    sizes = mentions.last - mentions.first + 1
    is_free = corpus.label == corpus.tags.index("O")
    room = num_free_from(is_free, corpus.sentence)
    # The places where a mention of each size may begin, in random order. One that is taken stays so.
    places = {size: iter(draw.permutation(np.flatnonzero(room >= size)).tolist()) for size in np.unique(sizes).tolist()}
    given_label = corpus.label.copy()
    order = np.argsort(mentions.picked)
    for mention in order[mentions.picked[order] < treatment.share]:
        size = int(sizes[mention])
        first = next((place for place in places[size] if is_free[place : place + size].all()), None)
        if first is not None:
            is_free[first : first + size] = False
            write_mentions(corpus, given_label, *np.array([[first], [first + size - 1], [mentions.type_of[mention]]]))
    return relabelled(given_label)


def num_free_from(is_free: NDArray[np.bool_], sentence: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many words are free one after the other in a sentence, from each word (words,) on, itself included."""
    places = np.arange(len(is_free))
    ends = np.append(np.diff(sentence) > 0, True)
    stops = np.where(~is_free, places, np.where(ends, places + 1, len(is_free)))
    return np.minimum.accumulate(stops[::-1])[::-1] - places


KIND = Kind(
    family="noise",
    phrase="mentions where there are none",
    random=True,
    keys=SpuriousKeys,
    treatment=SpuriousTreatment,
    treat=treat,
    needs_outside=True,
)
