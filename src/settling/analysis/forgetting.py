"""How many words were forgotten, and which most often (paper section 5, table 1 and appendix D).

Two countings. `words` counts the real words. `authors` counts the cells of the authors' grid, len(train) x 50
positions (trainer.py:206-211, 331-349, 499-501): in each sentence [CLS], its first 48 words, [SEP], and padding.
There padding is never right, and so unforgettable, as it is never forgotten. Our systems have no outputs for [CLS]
and [SEP]: that both are right from the first epoch on and never forgotten is an assumption.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The authors' max_seq_length (consts.py:436), and what [CLS] and [SEP] leave of it.
CELLS = 50
SPECIALS = 2
MOST = 20
CONTEXT = 5


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


def most_forgotten(forgetting_by_run: Sequence[NDArray[np.integer]], treated: pd.DataFrame) -> pd.DataFrame:
    """Return the words most often forgotten, in the mean over runs of one system on one treated split.

    `forgetting_by_run` has the forgetting events of each word (words,) for each run, `treated` the split (schema
    `treated`). Returns at most 20 rows, `rank` from 1, ties in the order of `word`, words never forgotten left out:
    the columns of the schema `forgotten_words` from `rank` on. `before` and `after` are up to 5 words of the
    sentence, `forgetting` the mean number of events, `n` the number of runs.
    """
    mean = np.mean(np.stack(list(forgetting_by_run)), axis=0)
    order = np.lexsort((np.arange(len(mean)), -mean))[:MOST]
    order = order[mean[order] > 0]
    sentence, token = treated["sentence"].to_numpy(), treated["token"].to_numpy(dtype=object)

    def context(start: int, stop: int, word: int) -> str:
        near = range(max(start, 0), min(stop, len(token)))
        return " ".join(token[other] for other in near if sentence[other] == sentence[word])

    return pd.DataFrame(
        {
            "rank": np.arange(1, len(order) + 1),
            "word": order,
            "before": [context(word - CONTEXT, word, word) for word in order],
            "token": token[order],
            "after": [context(word + 1, word + 1 + CONTEXT, word) for word in order],
            **{name: treated[name].to_numpy()[order] for name in ("label", "given", "noisy")},
            "forgetting": mean[order],
            "n": len(forgetting_by_run),
        }
    )
