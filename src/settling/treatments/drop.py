"""Control arm of `cap`: as many sentences are lost, but none that holds the class."""

from typing import Any

import numpy as np

from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated


def treat(corpus: Corpus, spec: dict[str, Any]) -> Treated:
    """Remove as many random sentences without the class as `cap` removes with it; nested over `sentences`."""
    with_class, without = corpus.split_by_class(spec["class"], spec["draw"])
    num_lost = max(len(with_class) - spec["sentences"], 0)
    if num_lost > len(without):
        raise BadInput(
            f"drop: {num_lost} sentences without {spec['class']} should be lost, but there are only "
            f"{len(without)}; expected sentences of at least {len(with_class) - len(without)}"
        )
    return Treated(~np.isin(corpus.sentence, without[:num_lost]), corpus.label)
