"""How many words were forgotten (paper section 5, table 1).

There are two ways of counting. `words` counts the real words. `authors` counts the cells of a grid of len(train) x 50
positions, as the authors' code does (github.com/Michael-Tanzer/BERT-mem-lowres at f5a4aec, trainer.py:206-211, 331-349
and 499-501). For each sentence the grid holds [CLS], its first 48 words, [SEP] and padding. Padding is never right
there, so it is never forgotten and counts as unforgettable. Our systems have no outputs for [CLS] and [SEP]; we assume
that both are right from the first epoch on and never forgotten.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The authors' max_seq_length (consts.py:436 of the repository above), and how many of these cells [CLS] and [SEP] take.
CELLS = 50
SPECIALS = 2


def counts(events: pd.DataFrame, positions: NDArray[np.integer], num_sentences: int) -> pd.DataFrame:
    """Count the words of a run that were forgotten.

    `events` follows the schema `events`; `positions` (words,) is where each word stands in its sentence, from 0.

    Returns the columns `view`, `counting` (`words` or `authors`), `noisy`, `metric` and `value`. The metrics are
    `forgettable` (forgotten at least once), `unforgettable` (never forgotten), `learned` (right at least once) and
    `ratio`, which is `forgettable` over `learned` and is left out where no word was learned. Cells of the authors' grid
    that hold no word count as clean.
    """
    flags = pd.DataFrame(
        {
            "view": events["view"].astype(str),
            "noisy": events["noisy"].astype(bool),
            "forgettable": (events["forgetting"] > 0).astype(np.int64),
            "unforgettable": (events["forgetting"] == 0).astype(np.int64),
            "learned": (events["first_learned"] >= 0).astype(np.int64),
        }
    )
    on_grid = positions[events["word"].to_numpy()] < CELLS - SPECIALS
    tables = []
    for counting, counted in (("words", flags), ("authors", flags[on_grid])):
        totals = counted.groupby(["view", "noisy"]).sum()
        if counting == "authors":
            totals = totals.add(_without_word(totals, num_sentences), fill_value=0)
        totals["ratio"] = totals["forgettable"] / totals["learned"].where(totals["learned"] > 0)
        tables.append(totals.reset_index().assign(counting=counting))
    long = pd.concat(tables).melt(["view", "counting", "noisy"], var_name="metric")
    defined: pd.DataFrame = long.dropna(subset="value").reset_index(drop=True)
    return defined


def _without_word(totals: pd.DataFrame, num_sentences: int) -> pd.DataFrame:
    """Return the counts of the grid's cells that hold no word; `totals` has those of its words by view and `noisy`."""
    words = totals["forgettable"] + totals["unforgettable"]
    empty = num_sentences * CELLS - words.groupby("view").sum()
    cells = pd.DataFrame(
        {"forgettable": 0, "unforgettable": empty, "learned": num_sentences * SPECIALS, "noisy": False}
    )
    return cells.set_index("noisy", append=True)
