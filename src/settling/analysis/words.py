"""What the events of all runs say of words: when they are first learned, how many are forgotten, and which."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from settling.analysis.estimates import estimate
from settling.analysis.forgetting import counts, most_forgotten
from settling.analysis.measures import TREATMENT
from settling.errors import BadInput
from settling.files import metadata_of, read_table
from settling.frames import read_frame
from settling.study import Run

RunFrame = tuple[Run, pd.DataFrame]


class Words(NamedTuple):
    """Frames of runs; one of `forgotten` stands for all seeds of its run."""

    learned: list[RunFrame]
    """Number of `words` by `view`, `class`, `noisy` and `first_learned`, with the run's `epochs`."""
    forgetting: list[RunFrame]
    """What `forgetting.counts` returns."""
    forgotten: list[RunFrame]
    """What `forgetting.most_forgotten` returns, with `view`."""


def read_words(results: Path, runs: Iterable[Run], classes: list[str]) -> Words:
    """Read the events of all runs, in order, once; `classes` are told apart in `learned`, beside `all`.

    Raises BadInput for a missing or foreign file.
    """
    found = Words([], [], [])
    for path, of_split in groupby(runs, key=lambda run: run.treated):
        split = read_frame(results / path, "treated")
        positions, num_sentences = split["position"].to_numpy(), split["sentence"].nunique()
        class_of_word = split["label"].str.slice(2).where(lambda names: names.isin(classes), "").to_numpy()
        for _, of_system in groupby(of_split, key=lambda run: run.system):
            forgetting: dict[str, list[NDArray[np.uint16]]] = {}
            for run in of_system:
                table = read_table(results / run.events, "events")
                columns = ["view", "word", "noisy", "first_learned", "forgetting"]
                events = table.select(columns).to_pandas().assign(epochs=metadata_of(table.schema)["epochs"])
                for view, rows in events.groupby("view", observed=True):
                    if len(rows) != len(split):
                        raise BadInput(f"{results / run.events}: {len(rows)} words; {results / path} has {len(split)}")
                    forgetting.setdefault(str(view), []).append(rows["forgetting"].to_numpy())
                events["class"] = class_of_word[events["word"]]
                found.learned.append((run, first_learned_counts(events)))
                found.forgetting.append((run, counts(events, positions, num_sentences)))
            for view, of_runs in forgetting.items():
                found.forgotten.append((run, most_forgotten(of_runs, split).assign(view=view)))
    return found


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
    keys = [*TREATMENT, "system", "view", "class", "noisy", "draw", "seed", "epochs"]
    totals = learned.groupby([*keys, "first_learned"], dropna=False)["words"].sum().unstack(fill_value=0)
    totals = totals.reindex(columns=range(-1, int(learned["epochs"].max())), fill_value=0)
    shares = totals.div(totals.sum(axis=1), axis=0)
    long = shares.reset_index().melt(keys, var_name="epoch")
    return estimate(long[long["epoch"] < long["epochs"]], [*TREATMENT, "system", "view", "class", "noisy", "epoch"])
