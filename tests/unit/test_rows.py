"""The functions by which findings, claims, figures and the report select rows."""

import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view


def test_rows_that_hold_all_values_and_those_that_have_a_mean() -> None:
    frame = pd.DataFrame({"class": ["LOC", "LOC", "PER"], "epoch": [0, 1, 1], "mean": [0.1, None, 0.3]})
    assert list(holding(frame, klass="LOC", epoch=1).index) == [1]
    assert list(holding(frame).index) == [0, 1, 2]
    assert list(defined(frame).index) == [0, 2]


def test_each_group_is_seen_in_the_preferred_view_or_in_the_other_where_it_lacks_that() -> None:
    frame = pd.DataFrame(
        [("a", "epoch-end"), ("a", "minibatch"), ("b", "minibatch"), (None, "minibatch"), (None, "epoch-end")],
        columns=["system", "view"],
    ).assign(dataset="news", treatment="clean")
    assert list(one_view(frame).index) == [0, 2, 4]
    assert list(one_view(frame, "minibatch").index) == [1, 2, 3]
    assert list(one_view(frame, by=["dataset"]).index) == [0, 4]
    assert one_view(frame.head(0)).empty


def test_the_rows_of_the_least_and_the_greatest_value() -> None:
    frame = pd.DataFrame({"percent": [30, 10, 50], "mean": [0.3, 0.1, 0.5]})
    assert [row["mean"] for row in ends(frame, "percent")] == [0.1, 0.5]
    assert [row["mean"] for row in ends(frame.head(1), "percent")] == [0.3]
    assert ends(frame.head(0), "percent") == []
