"""Long sentences cut short, as the authors' reader does (model_utils.py:155-188)."""

from typing import Any

import numpy as np

from settling.treatments.corpus import Corpus, Treated


def treat(corpus: Corpus, spec: dict[str, Any]) -> Treated:
    """Remove the words of each sentence that come after its first `words`; the draw is of no consequence."""
    position = np.arange(len(corpus.label)) - np.searchsorted(corpus.sentence, corpus.sentence)
    return Treated(position < spec["words"], corpus.label)
