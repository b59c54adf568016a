"""Means over runs with their uncertainty."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from settling.canonical import generator

ESTIMATE = ["mean", "sd", "low", "high", "n"]
CONFIDENCE = 0.95
RESAMPLES = 1999
# Groups resampled at a time: scipy keeps every resampled mean.
CHUNK = 5_000


def estimate(values: pd.DataFrame, by: Sequence[str], value: str = "value") -> pd.DataFrame:
    """Return, for each group, the mean of `value`, its standard deviation, a 95 % interval and n.

    A row is one run; where its value is null it is undefined, and left out: n counts the others. A group in which no
    run has a value is kept, with a null mean and n = 0. The interval (`low`, `high`) is the percentile bootstrap of the
    mean; with one run, sd and interval are null. Groups with any null key are kept.
    """
    groups = values.groupby(list(by), dropna=False, observed=True, sort=True)[value]
    table = groups.agg(mean="mean", sd="std", n="count").reset_index()
    defined = groups.agg(lambda found: found.dropna().tolist()).to_numpy()
    low = np.full(len(table), np.nan)
    high = np.full(len(table), np.nan)
    for n in sorted(set(table["n"]) - {0, 1}):
        every = np.flatnonzero(table["n"] == n)
        for start in range(0, len(every), CHUNK):
            rows = every[start : start + CHUNK]
            low[rows], high[rows] = bootstrap(np.array([defined[row] for row in rows], dtype=np.float64))
    return table.assign(low=low, high=high)[[*by, *ESTIMATE]]


def bootstrap(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the percentile bootstrap interval of the mean of each row of `samples` (groups, n)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (samples,),
            np.mean,
            axis=1,
            n_resamples=RESAMPLES,
            confidence_level=CONFIDENCE,
            method="percentile",
            batch=100,
            rng=generator("bootstrap", samples.shape[1]),
        )
    return found.confidence_interval.low, found.confidence_interval.high
