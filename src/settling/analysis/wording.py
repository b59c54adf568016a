"""Parts of the sentences that the findings and the report compute from tables."""

from typing import Any

import pandas as pd

from settling.analysis.undefined import reason


def in_words(row: "pd.Series[Any]", signed: bool = False) -> str:
    """Return an estimate as text: mean, interval (for more than one run) and n; or the reason why it is undefined."""
    if pd.isna(row["mean"]):
        return reason(row)
    form = "{:+.2f}" if signed else "{:.2f}"
    interval = f" [{form.format(row['low'])}, {form.format(row['high'])}]" if row["n"] > 1 else ""
    return f"{form.format(row['mean'])}{interval} (n={row['n']})"


def listed(parts: list[str]) -> str:
    """Join the parts, of which there is at least one: `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
