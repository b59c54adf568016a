"""Label noise as the authors' code makes it (trainer.py:676-692)."""

from typing import Any

import numpy as np

from settling.treatments.corpus import Corpus, Treated, noise_draws


def treat(corpus: Corpus, spec: dict[str, Any]) -> Treated:
    """Pick each word with probability percent/100 and draw its label uniformly over all K tags, its own included.

    The share of words whose label changes is percent/100 x (K-1)/K in expectation.
    """
    picked, label = noise_draws(corpus, spec["draw"])
    drawn = (label * len(corpus.tags)).astype(np.uint16)
    given = np.where(picked < spec["percent"] / 100, drawn, corpus.label)
    return Treated(np.ones(len(given), dtype=bool), given)
