"""A class made scarce by losing the sentences that hold it, as in the paper."""

from typing import Any

import numpy as np

from settling.treatments.corpus import Corpus, Treated


def treat(corpus: Corpus, spec: dict[str, Any]) -> Treated:
    """Remove the sentences that hold the class, all but `sentences` of them; nested over that number."""
    with_class, _ = corpus.split_by_class(spec["class"], spec["draw"])
    lost = with_class[spec["sentences"] :]
    return Treated(~np.isin(corpus.sentence, lost), corpus.label)
