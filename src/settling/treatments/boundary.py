"""Mentions that are a word too short or too long."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.mentions import MentionNoiseKeys, MentionNoiseTreatment, mentions_of, write_mentions

Name = Annotated[Literal["boundary"], Field(description="Each picked mention loses or gains a word at one end.")]


class BoundaryKeys(MentionNoiseKeys):
    """Mentions a word too short or too long, at several levels."""

    kind: Name


class BoundaryTreatment(MentionNoiseTreatment):
    """Mentions a word too short or too long, at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: BoundaryTreatment) -> Treated:
    """Pick each mention with probability percent/100, and take a word from one of its ends, or add one there.

    It is one of up to four changes, drawn uniformly from those that can be. A mention of one word loses none, and only
    a word that is O is added. One that stands alone between two mentions can be added to the first of them only, so
    that no two mentions want it. A mention that cannot be changed, such as a sentence of one word, stays.
    """
    mentions = mentions_of(corpus, treatment.noise_seed)
    first, last = mentions.first, mentions.last
    outside = corpus.tags.index("O")
    # A word of O that is no word stands before the first sentence and after the last.
    sentence = np.pad(corpus.sentence, 1, constant_values=-1)
    is_free = np.pad(corpus.label == outside, 1)
    same_before, same_after = (
        is_free[places + 1] & (sentence[places + 1] == sentence[inner + 1])
        for places, inner in ((first - 1, first), (last + 1, last))
    )
    taken_by_the_one_before = np.append(False, same_after[:-1] & (last[:-1] + 1 == first[1:] - 1))
    longer = last > first
    possible = np.stack([longer, longer, same_before & ~taken_by_the_one_before, same_after])
    # Of the changes that can be, the one whose number, from 0, the uniform number falls on.
    number = (mentions.choice * possible.sum(axis=0)).astype(np.int64)
    is_drawn = possible & (np.cumsum(possible, axis=0) - 1 == number) & (mentions.picked < treatment.share)
    loses_first, loses_last, gains_before, gains_after = is_drawn
    given_label = corpus.label.copy()
    given_label[first[loses_first]] = outside
    given_label[last[loses_last]] = outside
    changed = is_drawn.any(axis=0)
    new_first, new_last = first + loses_first - gains_before, last - loses_last + gains_after
    write_mentions(corpus, given_label, new_first[changed], new_last[changed], mentions.type_of[changed])
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="mentions a word too short or too long",
    random=True,
    keys=BoundaryKeys,
    treatment=BoundaryTreatment,
    treat=treat,
    needs_outside=True,
)
