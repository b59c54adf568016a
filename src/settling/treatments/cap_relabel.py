"""Control arm of `cap`: the same mentions are lost, but no sentence."""

from typing import Any

import numpy as np

from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated


def treat(corpus: Corpus, spec: dict[str, Any]) -> Treated:
    """Give O to the class's mentions in the sentences that `cap` of the same draw would remove.

    Raises BadInput for images, which have no O.
    """
    if "O" not in corpus.tags:
        raise BadInput(f"{spec['kind']}: gives words the tag O, which images do not have")
    with_class, _ = corpus.split_by_class(spec["class"], spec["draw"])
    surplus = np.isin(corpus.sentence, with_class[spec["sentences"] :]) & corpus.of_class(spec["class"])
    given = np.where(surplus, np.uint16(corpus.tags.index("O")), corpus.label)
    return Treated(np.ones(len(given), dtype=bool), given)
