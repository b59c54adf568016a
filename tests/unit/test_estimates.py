import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settling.analysis import estimates
from settling.analysis.estimates import ESTIMATE, estimate

numbers = st.floats(-100, 100, allow_nan=False).map(lambda number: round(number, 3))


def one(values: list[float]) -> "pd.Series[float]":
    """Return the estimate of one group."""
    return estimate(pd.DataFrame({"key": "a", "value": values}), ["key"]).iloc[0]


def test_mean_sd_and_n_of_each_group() -> None:
    table = estimate(pd.DataFrame({"key": ["b", "a", "b", "b"], "value": [1.0, 7.0, 2.0, 6.0]}), ["key"])
    assert list(table.columns) == ["key", *ESTIMATE]
    assert list(table["key"]) == ["a", "b"]
    assert list(table["n"]) == [1, 3]
    assert list(table["mean"]) == [7, 3]
    assert table["sd"][1] == pytest.approx(math.sqrt(7))  # (4 + 1 + 9) / (3 - 1)


def test_one_run_has_no_spread() -> None:
    found = one([0.5])
    assert (found["mean"], found["n"]) == (0.5, 1)
    assert found[["sd", "low", "high"]].isna().all()


@settings(max_examples=25)
@given(st.lists(numbers, min_size=2, max_size=8))
def test_the_interval_lies_in_the_data_and_around_the_mean(values: list[float]) -> None:
    found = one(values)
    low, mean, high = found["low"], found["mean"], found["high"]
    assert min(values) - 1e-9 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= max(values) + 1e-9


@pytest.mark.parametrize("n", [3, 5, 20])
def test_the_interval_is_the_percentile_bootstrap_of_the_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    rng = np.random.default_rng(1)
    means = [rng.choice(values, size=n, replace=True).mean() for _ in range(20_000)]
    found = one(list(values))
    # The end of such an interval from 1,999 resamples has a standard error of about 0.06 of the means' spread.
    assert [found["low"], found["high"]] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.25 * np.std(means))


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = one([0.25, 0.25, 0.25])
    assert (found["low"], found["high"], found["sd"]) == (0.25, 0.25, 0)


def test_groups_with_null_keys_are_kept() -> None:
    frame = pd.DataFrame({"percent": [10, pd.NA, pd.NA, 10], "name": ["x", "x", None, "x"], "value": [1.0, 2, 3, 5]})
    table = estimate(frame, ["percent", "name"])
    found = {(None if pd.isna(p) else p, None if pd.isna(m) else m): v for p, m, v, *_ in table.to_numpy()}
    assert found == {(10, "x"): 3, (None, "x"): 2, (None, None): 3}


def test_a_group_has_the_same_interval_every_time_whatever_else_is_in_the_table() -> None:
    a = pd.DataFrame({"key": "a", "value": [0.1, 0.5, 0.7, 0.2]})
    b = pd.DataFrame({"key": "b", "value": [0.3, 0.9, 0.7, 0.4]})
    c = pd.DataFrame({"key": "c", "value": [3.0, 4.0]})
    alone, together = estimate(a, ["key"]), estimate(pd.concat([c, b, a]), ["key"])
    pd.testing.assert_frame_equal(alone, together[together["key"] == "a"])
    pd.testing.assert_frame_equal(alone, estimate(a, ["key"]))


def test_many_groups_are_resampled_in_chunks_to_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    values = pd.DataFrame({"group": np.repeat(np.arange(30), 3), "value": rng.random(90)})
    whole = estimate(values, ["group"])
    monkeypatch.setattr(estimates, "GROUPS_AT_ONCE", 7)
    pd.testing.assert_frame_equal(estimate(values, ["group"]), whole)


def test_an_undefined_run_is_left_out_and_n_counts_the_others() -> None:
    found, without = one([0.2, math.nan, 0.4]), one([0.2, 0.4])
    pd.testing.assert_series_equal(found, without)
    assert one([math.nan, 0.4])[["mean", "n"]].tolist() == [0.4, 1]


def test_a_group_in_which_every_run_is_undefined_keeps_its_row() -> None:
    found = one([math.nan, math.nan])
    assert found["n"] == 0
    assert found[["mean", "sd", "low", "high"]].isna().all()
