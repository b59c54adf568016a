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
# How many groups are resampled together. scipy keeps every resampled mean of them in memory.
GROUPS_AT_ONCE = 5_000


def estimate(values: pd.DataFrame, by: Sequence[str], value: str = "value") -> pd.DataFrame:
    """Return for each group the mean of the column `value`, its standard deviation, a 95 % interval and n.

    A row is one run. A null value is undefined and left out; `n` counts the other runs. A group without any value is
    kept, with a null mean and n = 0, and so are groups with a null key. The interval (`low`, `high`) is the percentile
    bootstrap of the mean. With one run, `sd` and the interval are null.
    """
    groups = values.groupby(list(by), dropna=False, observed=True, sort=True)[value]
    table = groups.agg(mean="mean", sd="std", n="count").reset_index()
    known = values[value].notna().to_numpy()
    # The values of one group after those of another; a group's end where the counts add up to.
    ordered = values[value].to_numpy(np.float64)[known][np.argsort(groups.ngroup().to_numpy()[known], kind="stable")]
    ends = table["n"].cumsum().to_numpy()
    low = np.full(len(table), np.nan)
    high = np.full(len(table), np.nan)
    for n in sorted(set(table["n"]) - {0, 1}):
        same_size = np.flatnonzero(table["n"] == n)
        for start in range(0, len(same_size), GROUPS_AT_ONCE):
            rows = same_size[start : start + GROUPS_AT_ONCE]
            low[rows], high[rows] = bootstrap(ordered[ends[rows, None] - n + np.arange(n)])
    return table.assign(low=low, high=high)[[*by, *ESTIMATE]]


def bootstrap(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends (groups,) of the percentile bootstrap interval of each row's mean; `samples` is (groups, n)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            (samples,),
            np.mean,
            axis=1,
            n_resamples=RESAMPLES,
            confidence_level=CONFIDENCE,
            method="percentile",
            batch=100,
            rng=generator("bootstrap", samples.shape[1]),
        )
    return result.confidence_interval.low, result.confidence_interval.high
