"""Selecting rows of the tables: the one place for all that reads them, from the findings to the figures."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

# The columns that name what was trained, whatever the noise seed and the seed.
TRAINED = ("dataset", "treatment", "system")


def holding(frame: pd.DataFrame, **values: Hashable) -> pd.DataFrame:
    """Return the rows that hold these values; `klass` stands for the column `class`."""
    keep = pd.Series(True, index=frame.index)
    for column, value in values.items():
        keep &= frame[{"klass": "class"}.get(column, column)] == value
    return frame[keep]


def defined(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a mean."""
    return frame[frame["mean"].notna()]


def one_view(frame: pd.DataFrame, preferred: str = "epoch-end", by: Sequence[str] = TRAINED) -> pd.DataFrame:
    """Keep the preferred view of each group of rows that has it, and the other view of the groups that do not.

    A group has the same values in the columns `by`; a null is a value.
    """
    has_it = frame["view"] == preferred
    anywhere = has_it.groupby([frame[column] for column in by], dropna=False).transform("any")
    return frame[has_it | ~anywhere]


def ends(frame: pd.DataFrame, column: str) -> "list[pd.Series[Any]]":
    """Return the first row with the least value of a column and the last with the greatest: one row if they are equal.

    An empty frame gives an empty list.
    """
    ordered = frame.sort_values(column, kind="stable")
    if ordered.empty:
        return []
    return [ordered.iloc[0], *([ordered.iloc[-1]] if ordered[column].nunique() > 1 else [])]
