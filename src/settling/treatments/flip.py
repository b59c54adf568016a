"""Label noise that always changes the label."""

from typing import Any

import numpy as np

from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated, noise_draws


def treat(corpus: Corpus, spec: dict[str, Any]) -> Treated:
    """Pick each word with probability percent/100 and draw its label uniformly over the K-1 other tags.

    Raises BadInput where there is no other tag.
    """
    picked, label = noise_draws(corpus, spec["draw"])
    num_tags = len(corpus.tags)
    if num_tags == 1:
        raise BadInput(f"flip: gives words another tag, but the data set has one, {corpus.tags[0]}")
    shift = 1 + (label * (num_tags - 1)).astype(np.int64)
    other = ((corpus.label + shift) % num_tags).astype(np.uint16)
    given = np.where(picked < spec["percent"] / 100, other, corpus.label)
    return Treated(np.ones(len(given), dtype=bool), given)
