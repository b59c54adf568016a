"""The rows of the tables that a figure draws, and the panels that they are drawn in."""

from typing import Any, TypeAlias

import pandas as pd

from settling.analysis.rows import defined, ends, holding, noise_names
from settling.analysis.undefined import lacking
from settling.figures.needs import SHOWN_FAMILIES, Needs

Tables: TypeAlias = dict[str, pd.DataFrame]
SYSTEM_COLUMNS = ("system", "baseline_system")
ALL_SENTENCES = "all"
SELECTED_EPOCHS = {
    "epoch-4": "after 4 epochs",
    "best": "at the best dev F1",
    "settled": "at the end of settling",
    "final": "at the end",
}


def shown_rows(frames: Tables, needs: Needs) -> Tables:
    """Return the rows of each table that a figure with these needs shows, and `datasets` and `systems` whole."""
    systems = {row["system"] for _, row in frames["systems"].iterrows() if needs.shows_system(row)}
    whole = ("datasets", "systems")
    shown = {name: frames[name] for name in whole if name in frames}
    for name, frame in frames.items():
        if name in whole:
            continue
        keep = pd.Series(True, index=frame.index)
        for column in SYSTEM_COLUMNS:
            if column in frame:
                keep &= frame[column].isin(systems)
        if "dataset" in frame:
            keep &= frame["dataset"].map(needs.fits_dataset).astype(bool)
        if needs.treatment and "family" in frame:
            keep &= frame["family"].isin(SHOWN_FAMILIES[needs.treatment])
        if needs.classes and "cap_class" in frame:
            keep &= frame["cap_class"].isna() | frame["cap_class"].isin(needs.classes)
        shown[name] = frame[keep]
    return shown


class NothingToShowError(Exception):
    """The tables have no row that the figure could show. A study can be like that, and its figure says so.

    `lines` say what is missing, and why where a score is undefined.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def needed(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the rows that have a mean; raise NothingToShowError, which says that no run has `what`, where none do."""
    rows = defined(frame)
    if rows.empty:
        raise NothingToShowError(f"Nothing to show: no run has {what}.", *undefined(frame))
    return rows


def undefined(frame: pd.DataFrame) -> list[str]:
    """Return a sentence for each reason why scores of a frame are undefined."""
    rows = frame[frame["mean"].isna()].to_dict("records")
    missing = {(row["dataset"], lacking(row)) for row in rows}
    return [f"Undefined on {dataset}: {why}." for dataset, why in sorted(pair for pair in missing if pair[1])]


def by_noise(frame: pd.DataFrame) -> pd.DataFrame:
    """Return clean and noisy rows with `noise` (`noise_names`), `percent` (clean: 0) and `panel` (row label).

    Clean rows appear once for each kind of noise that their data set and system were trained on.
    """
    frame = frame.assign(kind=noise_names(frame))
    noisy = frame[frame["family"] == "noise"]
    trained = noisy[["dataset", "system", "kind"]].drop_duplicates().rename(columns={"kind": "noise"})
    joined = frame.merge(trained, on=["dataset", "system"])
    joined = joined[(joined["family"] == "clean") | (joined["kind"] == joined["noise"])]
    label = joined["dataset"] + "\n" + joined["system"]
    if trained["noise"].nunique() > 1:
        label += "\n" + joined["noise"] + " noise"
    return joined.assign(percent=joined["percent"].fillna(0).astype(int), panel=label)


def by_cap(frame: pd.DataFrame, *families: str) -> pd.DataFrame:
    """Return the rows of these families and of clean training with `capped` (the class) and `panel` (row label).

    Clean rows appear once for each class that their data set and system were capped on; their `cap_sentences` is null.
    """
    capped = frame[frame["family"].isin(families)].rename(columns={"cap_class": "capped"})
    trained = capped[["dataset", "system", "capped"]].drop_duplicates()
    clean = frame[frame["family"] == "clean"].drop(columns="cap_class").merge(trained, on=["dataset", "system"])
    both = pd.concat([capped, clean]) if len(clean) else capped
    return both.assign(panel=both["dataset"] + "\ncapped: " + both["capped"])


def of_capped_class(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the capped class from the result of `by_cap`, with `kept`, and with the system in `panel`."""
    of_class = frame[frame["class"] == frame["capped"]]
    number = of_class["cap_sentences"].astype("Int64").astype("string").fillna(ALL_SENTENCES).astype(object)
    panel = of_class["dataset"] + "\n" + of_class["system"] + "\ncapped: " + of_class["capped"]
    return of_class.assign(kept=number, panel=panel)


def few_many_all(rows: pd.DataFrame) -> list[str]:
    """Return the values of `kept` to speak of: the fewest, the most and `all`, as far as there are rows of them."""
    numbers = ends(rows[rows["cap_sentences"].notna()], "cap_sentences")
    every = [ALL_SENTENCES] if rows["cap_sentences"].isna().any() else []
    return [str(row["kept"]) for row in numbers] + every


def most_noise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the highest level of noise."""
    return holding(rows, percent=rows["percent"].max())


def last(curve: pd.DataFrame) -> "pd.Series[Any]":
    """Return the row of a curve's last epoch."""
    return curve.iloc[int(curve["epoch"].to_numpy().argmax())]


def subject(rows: pd.DataFrame) -> str:
    """Name the system, data set and kind of noise of the first row; `rows` are from `by_noise`."""
    first = rows.iloc[0]
    return f"{first['system']} on {first['dataset']} ({first['noise']})"


def subject_at_noise(rows: pd.DataFrame) -> str:
    """Name the system, data set, kind and level of noise of the first row; `rows` are from `by_noise`."""
    return f"{subject(rows)} at {int(rows['percent'].iloc[0])} % noise"
