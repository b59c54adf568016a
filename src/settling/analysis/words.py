"""What the events of all runs say of words: when they are first learned, how many are forgotten, which stand out."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from settling.analysis.estimates import estimate
from settling.analysis.forgetting import counts
from settling.analysis.measures import TREATMENT
from settling.errors import BadInput
from settling.frames import as_frame, read_frame
from settling.layout import Run
from settling.tables import metadata_of, read_table

RunFrame = tuple[Run, pd.DataFrame]


# So many words are listed.
MOST = 20


class Words(NamedTuple):
    """Frames of runs; one of `notable` stands for all seeds of its run."""

    learned: list[RunFrame]
    """Number of `words` by `view`, `class`, `noisy` and `first_learned`, with the run's `epochs`."""
    forgetting: list[RunFrame]
    """What `forgetting.counts` returns."""
    notable: list[RunFrame]
    """What `notable` returns, with `view`."""


def read_words(results: Path, runs: Iterable[Run], classes: list[str]) -> Words:
    """Read the events of all runs, in order, once; `classes` are told apart in `learned`, beside `all`.

    Raises BadInput for a missing or foreign file.
    """
    found = Words([], [], [])
    for path, of_split in groupby(runs, key=lambda run: run.treated):
        split = read_frame(results / path, "treated")
        positions, num_sentences = split["position"].to_numpy(), split["sentence"].nunique()
        class_of_word = split["true_label"].str.slice(2).where(lambda names: names.isin(classes), "").to_numpy()
        for _, of_system in groupby(of_split, key=lambda run: run.system):
            by_view: dict[str, list[pd.DataFrame]] = {}
            for run in of_system:
                table = read_table(results / run.events, "events")
                events = as_frame(table).assign(epochs=metadata_of(table.schema)["epochs"])
                for view, rows in events.groupby("view"):
                    if len(rows) != len(split):
                        raise BadInput(f"{results / run.events}: {len(rows)} words; {results / path} has {len(split)}")
                    by_view.setdefault(str(view), []).append(rows)
                events["class"] = class_of_word[events["word"]]
                found.learned.append((run, first_learned_counts(events)))
                found.forgetting.append((run, counts(events, positions, num_sentences)))
            for view, of_runs in by_view.items():
                found.notable.append((run, notable(of_runs, split).assign(view=view)))
    return found


def notable(events: Sequence[pd.DataFrame], treated: pd.DataFrame) -> pd.DataFrame:
    """Return the words that stand out in the runs of one system on one treated split, at most 20 in each `list`.

    `events` has the rows (words,) of the schema `events` of one view and, as `epochs`, the number of epochs, for each
    run; `treated` is the split (schema `treated`). The lists: `most-forgotten` (words never forgotten left out),
    `first-learned`, `last-learned` and `highest-loss`, by the mean over the runs; words learned at one time come by
    their loss, the smallest first among the first learned and the greatest first among the last; else in corpus order.

    Returns the columns of the schema `words` from `list` on: `rank` from 1, `forgetting` events, `first_learned` epoch
    (a word never learned counts as learned after the last), `loss` in nats, `n` runs, `mistaken_for` in the first run.
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
    shown = {name: found.head(MOST) for name, found in lists.items()}
    return pd.concat(
        [found.assign(list=name, rank=range(1, len(found) + 1)) for name, found in shown.items()], ignore_index=True
    )


def _mean(of_runs: Sequence["pd.Series[float]"]) -> "pd.Series[float]":
    """Return the mean over runs of what each has for every word."""
    mean: pd.Series[float] = pd.DataFrame({number: run.to_numpy() for number, run in enumerate(of_runs)}).mean(axis=1)
    return mean


def first_learned_counts(events: pd.DataFrame) -> pd.DataFrame:
    """Return the number of `words` by the rest: `view`, `class`, `noisy`, `first_learned` and `epochs`.

    Every word counts in the class `all`, and again in its own where `class` is not empty.
    """
    by = ["view", "noisy", "first_learned", "epochs"]
    counted = events.groupby(["class", *by], observed=True).size().rename("words").reset_index()
    counted["view"] = counted["view"].astype(str)
    of_all = counted.groupby(by)["words"].sum().reset_index().assign(**{"class": "all"})
    return pd.concat([of_all, counted[counted["class"] != ""]], ignore_index=True)


def first_learned(learned: pd.DataFrame) -> pd.DataFrame:
    """Return, by epoch, the share of the words (noisy and clean apart) whose first learning event it holds.

    Epoch -1 stands for never. Every epoch that a run had is there, with 0 where no word was first learned.
    """
    keys = [*TREATMENT, "system", "view", "class", "noisy", "noise_seed", "seed", "epochs"]
    totals = learned.groupby([*keys, "first_learned"], dropna=False)["words"].sum().unstack(fill_value=0)
    totals = totals.reindex(columns=range(-1, int(learned["epochs"].max())), fill_value=0)
    shares = totals.div(totals.sum(axis=1), axis=0)
    long = shares.reset_index().melt(keys, var_name="epoch")
    return estimate(long[long["epoch"] < long["epochs"]], [*TREATMENT, "system", "view", "class", "noisy", "epoch"])
