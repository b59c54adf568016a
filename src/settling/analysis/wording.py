"""Parts of the sentences that the findings, the claims and the report compute from tables."""

from typing import Any

import pandas as pd

from settling.analysis.metrics import EPOCHS, SENTENCES, UNITS, WORDS, metric_of
from settling.analysis.undefined import reason

# The decimals of a number in each unit; of any other, those of a share.
DECIMALS = {EPOCHS: 1, "steps": 0, WORDS: 0, "mentions": 0, SENTENCES: 0}
OF_A_SHARE = 2


def in_words(row: "pd.Series[Any]", signed: bool = False) -> str:
    """Return an estimate as text: mean, interval (for more than one run) and n; or the reason why it is undefined."""
    if pd.isna(row["mean"]):
        return reason(row)
    return f"{' '.join(filter(None, numbers(row, signed)))} (n={row['n']})"


def numbers(row: "pd.Series[Any]", signed: bool = False, percent: bool = False) -> tuple[str, str]:
    """Return the mean of an estimate, and its interval or nothing where there is none, as text.

    The decimals are those of the unit. There is one more where the interval of three runs or more is so narrow that it
    would be lost: where half its width is less than half of the last place. `percent` is for shares.
    """
    unit = row["unit"] if "unit" in row else UNITS.get(metric_of(row))
    places = DECIMALS.get(str(unit), OF_A_SHARE)
    has_interval = pd.notna(row["low"])
    if has_interval and row["n"] > 2 and 0 < row["high"] - row["low"] < 10**-places:
        places += 1
    scale, places = (100, max(places - 2, 0)) if percent else (1, places)
    # A number that is rounded to 0 has no sign of its own.
    shown = ("mean", "low", "high") if has_interval else ("mean",)
    mean, *ends = (f"{row[name] * scale:{'+' if signed else ''}z,.{places}f}" for name in shown)
    return mean, f"[{', '.join(ends)}]" if ends else ""


def labels_in_words(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Say whose labels those of each reference are, from the tables `datasets` and `treatments`.

    Labels are true beside others that the study made wrong, or by their source's word. Of a user's own labels, as they
    stand in a file, nobody said so.
    """
    noisy = (tables["treatments"]["family"] == "noise").any()
    own = all_own(tables["datasets"]) and not noisy
    return {"true": "labels of the file" if own else "true labels", "given": "given labels"}


def all_own(datasets: pd.DataFrame) -> bool:
    """Return whether all data of a study are the user's own; `datasets` is the table of that name."""
    return len(datasets) > 0 and bool(datasets["own"].all())


def listed(parts: list[str]) -> str:
    """Join the parts, of which there is at least one: `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
