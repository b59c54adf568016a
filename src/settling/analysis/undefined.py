"""The reason, in words, why a score or an estimate is undefined."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ScoreRow: TypeAlias = "Mapping[Any, Any] | pd.Series[Any]"
ENTITY_METRICS = ("f1", "precision", "recall")
PHASE_METRICS = ("settles", "settling_epochs", "settling_steps")


def reason(row: ScoreRow) -> str:
    """Say that the value of a row is undefined; for a score of entities, also which split has no such entity."""
    missing = lacking(row)
    return f"undefined: {missing}" if missing else "undefined"


def lacking(row: ScoreRow) -> str | None:
    """Say which split has no mention of the entities that a row's score is about.

    `row` has the columns SCORE of analysis/measures.py, or is a row of the table `phases`. If it also has `treatment`,
    the text names the treatment of the training split. Returns None for a row that is about no score of entities.
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
    """Return for each row (rows,) why its column `value` is undefined; None where it is defined."""
    texts = np.full(len(rows), None, dtype=object)
    null = rows[value].isna().to_numpy()
    texts[null] = [reason(row) for row in rows[null].to_dict("records")]
    return texts
