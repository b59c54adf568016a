"""Selecting rows of the study's tables. Findings, claims, figures and the report all do it with these functions."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

# Runs that agree in these columns differ in noise seed and seed alone.
TRAINED = ("dataset", "treatment", "system")


def holding(frame: pd.DataFrame, **values: Hashable) -> pd.DataFrame:
    """Return the rows that hold the given values in the columns so named; `klass` stands for the column `class`."""
    keep = pd.Series(True, index=frame.index)
    for column, value in values.items():
        keep &= frame[{"klass": "class"}.get(column, column)] == value
    return frame[keep]


def noise_names(frame: pd.DataFrame) -> "pd.Series[Any]":
    """Return of each row what tells its treatment from others of the same level: the kind, where it is not of noise.

    Of noise it is the treatment's name without its level, so a kind such as `resample`, or `from-file-crowd`.
    """
    columns = (frame["treatment"], frame["percent"].astype("Int64"), frame["family"], frame["kind"])
    names = [
        treatment.removeprefix("noise-").removesuffix(f"-{percent}") if family == "noise" else kind
        for treatment, percent, family, kind in zip(*columns, strict=True)
    ]
    return pd.Series(names, index=frame.index, dtype=object)


def defined(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose mean is not null."""
    return frame[frame["mean"].notna()]


def one_view(frame: pd.DataFrame, preferred: str = "epoch-end", by: Sequence[str] = TRAINED) -> pd.DataFrame:
    """Return the rows in the preferred view; of a group of rows without that view, return all.

    A group is the rows that agree in the columns `by`; nulls agree with each other.
    """
    is_preferred = frame["view"] == preferred
    group_has_it = is_preferred.groupby([frame[column] for column in by], dropna=False).transform("any")
    return frame[is_preferred | ~group_has_it]


def ends(frame: pd.DataFrame, column: str) -> "list[pd.Series[Any]]":
    """Return a row with the smallest value of a column and a row with the largest.

    The list has one row where all values are equal, and none where the frame is empty. Of several rows with the
    smallest value it is the first, of several with the largest the last.
    """
    ordered = frame.sort_values(column, kind="stable")
    if ordered.empty:
        return []
    return [ordered.iloc[0], *([ordered.iloc[-1]] if ordered[column].nunique() > 1 else [])]
