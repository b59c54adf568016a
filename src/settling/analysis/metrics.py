"""What each metric is measured in, and which values it can have at all."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

SHARE, EPOCHS, WORDS, SENTENCES = "share", "epochs", "words", "sentences"
GAIN = "difference of shares"
# The metrics and quantities of all tables, each with its unit.
UNITS = {
    "f1": SHARE,
    "precision": SHARE,
    "recall": SHARE,
    "accuracy": SHARE,
    "noisy_accuracy": SHARE,
    "auroc": SHARE,
    "average_precision": SHARE,
    "ratio": SHARE,
    "forgettable_ratio": SHARE,
    "settles": SHARE,
    "open_ended": SHARE,
    "near_best_open_ended": SHARE,
    "memorised": GAIN,
    "fitting_epochs": EPOCHS,
    "settling_epochs": EPOCHS,
    "near_best_epochs": EPOCHS,
    "first_learned_mean": EPOCHS,
    "settling_steps": "steps",
    "forgettable": WORDS,
    "unforgettable": WORDS,
    "learned": WORDS,
    "support": "mentions",
    "starts": SENTENCES,
    "levels": SENTENCES,
    "loss": "nats",
}


def metric_of(row: "Mapping[Any, Any] | pd.Series[Any]") -> Any:
    """Return the name of what a row measures; None where its table measures one thing alone."""
    return row.get("quantity", row.get("metric"))


def bounds(unit: str | None, num_epochs: float = math.inf) -> tuple[float, float]:
    """Return the least and the greatest value in a unit, in a run of `num_epochs` where that is known.

    Where no unit is known there are no bounds.
    """
    highest = {SHARE: 1.0, GAIN: 1.0, EPOCHS: num_epochs}.get(unit or "", math.inf)
    return {None: -math.inf, GAIN: -1.0}.get(unit, 0.0), highest
