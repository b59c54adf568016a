"""Why a score or an estimate has no value, in words."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Row: TypeAlias = "Mapping[Any, Any] | pd.Series[Any]"
ENTITY_METRICS = ("f1", "precision", "recall")
PHASE_METRICS = ("settles", "settling_epochs", "settling_steps")


def reason(row: Row) -> str:
    """Say that a value is undefined and, where `row` names a score of entities, which split has none of them."""
    missing = lacking(row)
    return f"undefined: {missing}" if missing else "undefined"


def lacking(row: Row) -> str | None:
    """Say which split of the row's score has no mention of what; None where the row names no score of entities.

    `row` has the columns of SCORE in analysis/measures.py, or is of the table `phases`; where it has `treatment` too,
    that tells splits of train.
    """
    if row.get("quantity", row.get("metric")) in PHASE_METRICS:
        return "dev or the given labels of train have no entity"
    if row.get("metric") not in ENTITY_METRICS or "split" not in row:
        return None
    split = str(row["split"])
    if split == "train" and "treatment" in row:
        split = f"train of {row['treatment']}"
    return f"{split} has no {'entity' if row['class'] == 'all' else 'mention of ' + str(row['class'])}"


def reasons(rows: pd.DataFrame, value: str = "value") -> NDArray[np.object_]:
    """Return for each row why its `value` is undefined, None where it has one."""
    found = np.full(len(rows), None, dtype=object)
    null = rows[value].isna().to_numpy()
    found[null] = [reason(row) for row in rows[null].to_dict("records")]
    return found
