"""Pieces of the report's sentences."""

from collections.abc import Hashable
from typing import Any

import pandas as pd


def among(frame: pd.DataFrame, **values: Hashable) -> pd.DataFrame:
    """Return the rows that hold these values."""
    keep = pd.Series(True, index=frame.index)
    for column, value in values.items():
        keep &= frame[column] == value
    return frame[keep]


def ends(frame: pd.DataFrame, column: str) -> "list[pd.Series[Any]]":
    """Return the first of the rows with the least and of those with the greatest value of a column; one if the same.

    Of no rows there are none.
    """
    ordered = frame.sort_values(column, kind="stable")
    if ordered.empty:
        return []
    return [ordered.iloc[0], *([ordered.iloc[-1]] if ordered[column].nunique() > 1 else [])]


def place(rows: pd.DataFrame) -> str:
    """Name the one system and data set of some rows, and their kind of noise."""
    first = rows.iloc[0]
    noise = f" ({first['noise']})" if "noise" in rows else ""
    return f"{first['system']} on {first['dataset']}{noise}"


def listed(parts: list[str]) -> str:
    """Join parts as an enumeration."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def half_learned(shares: pd.DataFrame) -> str:
    """Say by which epoch half of the words have been right once; `shares` are means by `epoch` (-1: never)."""
    learned = shares[shares["epoch"] >= 0].sort_values("epoch")
    reached = learned.loc[learned["mean"].cumsum() >= 0.5, "epoch"]
    return f"by epoch {int(reached.iloc[0])}" if len(reached) else "not by the end"
