"""What the events of runs show about words: when they are first learned, and which words stand out."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from settling.analysis.estimates import estimate
from settling.analysis.measures import TREATMENT
from settling.layout import Run

RunFrame = tuple[Run, pd.DataFrame]

# The number of words in a list of words that stand out.
LIST_LENGTH = 20
# What they are chosen by, which is kept of each run until those of all seeds are read.
NOTABLE_FROM = ["forgetting", "first_learned", "loss_mean", "mistaken_for", "epochs"]


class WordFrames(NamedTuple):
    """What the events of all runs show about words, each frame with its run."""

    learned: list[RunFrame]
    """What `first_learned_counts` returns for each run."""
    forgetting: list[RunFrame]
    """What `forgetting.counts` returns for each run."""
    notable: list[RunFrame]
    """What `notable` returns, with a column `view`; one frame covers all seeds of its run."""


def notable(events: Sequence[pd.DataFrame], treated: pd.DataFrame) -> pd.DataFrame:
    """Return the words that stand out in the runs of one system on one treated split, LIST_LENGTH in each `list`.

    `events` has a frame for each run: the rows (words,) of one view, with the columns NOTABLE_FROM: those of the schema
    `events`, and `epochs`, the run's number of epochs. `treated` is the split (schema `treated`). The lists are
    `most-forgotten` (without words that were never forgotten), `first-learned`, `last-learned` and `highest-loss`,
    ordered by the mean over the runs. Words that were first learned at the same time are ordered by their loss: the
    smallest comes first among the first learned, the largest among the last learned. Other ties keep the order of the
    corpus.

    Returns the columns of the schema `words` from `list` on. `rank` counts from 1. `forgetting` (events),
    `first_learned` (epoch; a word that was never learned counts as learned after the last epoch) and `loss` (nats) are
    means over the `n` runs; `mistaken_for` is of the first run.
    """
    values = {
        "forgetting": _mean([run["forgetting"] for run in events]),
        "first_learned": _mean(
            [run["first_learned"].where(run["first_learned"] >= 0, run["epochs"]) for run in events]
        ),
        "loss": _mean([run["loss_mean"] for run in events]),
    }
    words = treated[["word", "sentence", "position", "true_label", "given_label", "noisy"]].assign(
        **values, n=len(events), mistaken_for=events[0]["mistaken_for"].to_numpy()
    )
    lists = {
        "most-forgotten": words[words["forgetting"] > 0].sort_values("forgetting", ascending=False, kind="stable"),
        "first-learned": words.sort_values(["first_learned", "loss"], kind="stable"),
        "last-learned": words.sort_values(["first_learned", "loss"], ascending=False, kind="stable"),
        "highest-loss": words.sort_values("loss", ascending=False, kind="stable"),
    }
    ranked = []
    for name, rows in lists.items():
        top = rows.head(LIST_LENGTH)
        ranked.append(top.assign(list=name, rank=range(1, len(top) + 1)))
    return pd.concat(ranked, ignore_index=True)


def _mean(of_runs: Sequence["pd.Series[float]"]) -> "pd.Series[float]":
    """Return the mean over runs (words,) of values that each run has for every word."""
    mean: pd.Series[float] = pd.DataFrame({number: run.to_numpy() for number, run in enumerate(of_runs)}).mean(axis=1)
    return mean


def first_learned_counts(events: pd.DataFrame) -> pd.DataFrame:
    """Count the `words` of a run by `view`, `class`, `noisy`, `first_learned` and `epochs`.

    `events` follows the schema `events`, with the columns `epochs` and `class`. Every word counts in the class `all`;
    a word whose `class` is not empty counts in that class too.
    """
    by = ["view", "noisy", "first_learned", "epochs"]
    counted = events.groupby(["class", *by], observed=True).size().rename("words").reset_index()
    counted["view"] = counted["view"].astype(str)
    of_all = counted.groupby(by)["words"].sum().reset_index().assign(**{"class": "all"})
    return pd.concat([of_all, counted[counted["class"] != ""]], ignore_index=True)


def first_learned_table(learned: pd.DataFrame) -> pd.DataFrame:
    """Return the table `first_learned`: the share of the noisy or clean words that are first learned at each epoch.

    `learned` is what `first_learned_counts` returns, for all runs. Epoch -1 stands for words that were never learned.
    Every epoch that a run had is there, with 0 where no word was first learned.
    """
    keys = [*TREATMENT, "system", "view", "class", "noisy", "noise_seed", "seed", "epochs"]
    totals = learned.groupby([*keys, "first_learned"], dropna=False)["words"].sum().unstack(fill_value=0)
    totals = totals.reindex(columns=range(-1, int(learned["epochs"].max())), fill_value=0)
    shares = totals.div(totals.sum(axis=1), axis=0)
    long = shares.reset_index().melt(keys, var_name="epoch")
    return estimate(long[long["epoch"] < long["epochs"]], [*TREATMENT, "system", "view", "class", "noisy", "epoch"])
