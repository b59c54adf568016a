"""How many words were forgotten (paper section 5, table 1).

Two countings. `words` counts the real words. `authors` counts the cells of the authors' grid, len(train) x 50
positions (trainer.py:206-211, 331-349, 499-501): in each sentence [CLS], its first 48 words, [SEP], and padding.
There padding is never right, and so unforgettable, as it is never forgotten. Our systems have no outputs for [CLS]
and [SEP]: that both are right from the first epoch on and never forgotten is an assumption.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The authors' max_seq_length (consts.py:436), and what [CLS] and [SEP] leave of it.
CELLS = 50
SPECIALS = 2


def counts(events: pd.DataFrame, positions: NDArray[np.integer], num_sentences: int) -> pd.DataFrame:
    """Return a run's words forgotten at least once, never, learned at all, and forgotten of those learned.

    `events` are a run's (schema `events`), `positions` (words,) where each word stands in its sentence, from 0.
    Returns `view`, `counting` (`words`, `authors`), `noisy`, `metric` (`forgettable`, `unforgettable`, `learned`, and
    `ratio`, the first over the third, left out where nothing was learned) and `value`. The cells of the authors' grid
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
    for counting, chosen in (("words", flags), ("authors", flags[on_grid])):
        totals = chosen.groupby(["view", "noisy"]).sum()
        if counting == "authors":
            totals = totals.add(_without_word(totals, num_sentences), fill_value=0)
        totals["ratio"] = totals["forgettable"] / totals["learned"].where(totals["learned"] > 0)
        tables.append(totals.reset_index().assign(counting=counting))
    long = pd.concat(tables).melt(["view", "counting", "noisy"], var_name="metric")
    found: pd.DataFrame = long.dropna(subset="value").reset_index(drop=True)
    return found


def _without_word(totals: pd.DataFrame, num_sentences: int) -> pd.DataFrame:
    """Return the counts of the grid's specials and padding, where `totals` are those of its words by view and noisy."""
    words = totals["forgettable"] + totals["unforgettable"]
    empty = num_sentences * CELLS - words.groupby("view").sum()
    cells = pd.DataFrame(
        {"forgettable": 0, "unforgettable": empty, "learned": num_sentences * SPECIALS, "noisy": False}
    )
    return cells.set_index("noisy", append=True)
