"""Which rows of the tables a figure draws, and how they are arranged in panels."""

from typing import Any, TypeAlias

import pandas as pd

from settling.analysis.rows import defined, ends, holding
from settling.analysis.undefined import lacking
from settling.figures.needs import SHOWN, Needs

Tables: TypeAlias = dict[str, pd.DataFrame]
SYSTEM_COLUMNS = ("system", "baseline_system")
ALL_SENTENCES = "all"


def chosen(frames: Tables, needs: Needs) -> Tables:
    """Return the rows of each table that a figure with these needs shows, and the table `systems` whole."""
    systems = {card["system"] for _, card in frames["systems"].iterrows() if needs.shows_system(card)}
    found = {"systems": frames["systems"]}
    for name, frame in frames.items():
        if name == "systems":
            continue
        keep = pd.Series(True, index=frame.index)
        for column in SYSTEM_COLUMNS:
            if column in frame:
                keep &= frame[column].isin(systems)
        if "dataset" in frame:
            keep &= frame["dataset"].map(needs.fits_dataset).astype(bool)
        if needs.treatment and "family" in frame:
            keep &= frame["family"].isin(SHOWN[needs.treatment])
        if needs.classes and "cap_class" in frame:
            keep &= frame["cap_class"].isna() | frame["cap_class"].isin(needs.classes)
        found[name] = frame[keep]
    return found


class NothingToShowError(Exception):
    """The tables have nothing of what a figure shows: a study can be like that, and its figure says so.

    `lines` say what is missing, and why where a score is undefined.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def needed(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the rows that have a mean; raise NothingToShowError, which says that no run has `what`, where none do."""
    found = defined(frame)
    if found.empty:
        raise NothingToShowError(f"Nothing to show: no run has {what}.", *undefined(frame))
    return found


def undefined(frame: pd.DataFrame) -> list[str]:
    """Say which of the scores of a frame are undefined and why, in a sentence for each reason."""
    rows = frame[frame["mean"].isna()].to_dict("records")
    missing = {(row["dataset"], lacking(row)) for row in rows}
    return [f"Undefined on {dataset}: {why}." for dataset, why in sorted(pair for pair in missing if pair[1])]


def by_noise(frame: pd.DataFrame) -> pd.DataFrame:
    """Return clean and noisy rows with `noise` (its kind), `percent` (clean: 0) and `panel` (row label).

    Clean rows appear once for each kind of noise that their data set and system were trained on.
    """
    noisy = frame[frame["family"] == "noise"]
    place = noisy[["dataset", "system", "kind"]].drop_duplicates().rename(columns={"kind": "noise"})
    joined = frame.merge(place, on=["dataset", "system"])
    joined = joined[(joined["family"] == "clean") | (joined["kind"] == joined["noise"])]
    label = joined["dataset"] + "\n" + joined["system"]
    if place["noise"].nunique() > 1:
        label += "\n" + joined["noise"] + " noise"
    return joined.assign(percent=joined["percent"].fillna(0).astype(int), panel=label)


def by_cap(frame: pd.DataFrame, *families: str) -> pd.DataFrame:
    """Return the rows of these families and of clean training with `capped` (the class) and `panel` (row label).

    Clean rows appear once for each class that their data set and system were capped on; their `cap_sentences` is null.
    """
    capped = frame[frame["family"].isin(families)].rename(columns={"cap_class": "capped"})
    place = capped[["dataset", "system", "capped"]].drop_duplicates()
    clean = frame[frame["family"] == "clean"].drop(columns="cap_class").merge(place, on=["dataset", "system"])
    both = pd.concat([capped, clean]) if len(clean) else capped
    return both.assign(panel=both["dataset"] + "\ncapped: " + both["capped"])


def of_capped_class(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep of what `by_cap` gives the rows of the capped class; add `kept`, and the system to `panel`."""
    found = frame[frame["class"] == frame["capped"]]
    number = found["cap_sentences"].astype("Int64").astype("string").fillna(ALL_SENTENCES).astype(object)
    panel = found["dataset"] + "\n" + found["system"] + "\ncapped: " + found["capped"]
    return found.assign(kept=number, panel=panel)


def few_many_all(rows: pd.DataFrame) -> list[str]:
    """Return the fewest and the most sentences kept of a class, and `all`, as far as there are rows of them."""
    numbers = ends(rows[rows["cap_sentences"].notna()], "cap_sentences")
    every = [ALL_SENTENCES] if rows["cap_sentences"].isna().any() else []
    return [str(row["kept"]) for row in numbers] + every


def most_noise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the highest level of noise."""
    return holding(rows, percent=rows["percent"].max())


def last(curve: pd.DataFrame) -> "pd.Series[Any]":
    """Return the row of a curve's last epoch."""
    return curve.iloc[int(curve["epoch"].to_numpy().argmax())]


def place(rows: pd.DataFrame) -> str:
    """Name the one system and data set of what `by_noise` gives, and its kind of noise."""
    first = rows.iloc[0]
    return f"{first['system']} on {first['dataset']} ({first['noise']})"


def at_noise(rows: pd.DataFrame) -> str:
    """Name the one system, data set, kind and level of noise of what `by_noise` gives."""
    return f"{place(rows)} at {int(rows['percent'].iloc[0])} % noise"
