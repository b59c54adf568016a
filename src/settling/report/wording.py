"""Pieces of the report's sentences."""

import pandas as pd


def place(rows: pd.DataFrame) -> str:
    """Name the one system and data set of some rows, and their kind of noise."""
    first = rows.iloc[0]
    noise = f" ({first['noise']})" if "noise" in rows else ""
    return f"{first['system']} on {first['dataset']}{noise}"


def half_learned(shares: pd.DataFrame) -> str:
    """Say by which epoch half of the words have been right once; `shares` are means by `epoch` (-1: never)."""
    learned = shares[shares["epoch"] >= 0].sort_values("epoch")
    reached = learned.loc[learned["mean"].cumsum() >= 0.5, "epoch"]
    return f"by epoch {int(reached.iloc[0])}" if len(reached) else "not by the end"
