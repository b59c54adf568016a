"""The bars of settling and the names of lines, placed on rows small enough to work out on paper."""

import pandas as pd
import pytest

from settling.figures import end_labels, settling_bars, style

PLACE = {"dataset": "news", "system": "bert", "view": "epoch-end"}
NOISE = {"treatment": "noise-flip-40", "family": "noise", "kind": "flip", "percent": 40}
CLEAN = {"treatment": "clean", "family": "clean", "kind": "clean", "percent": None}
MEASURED = pd.DataFrame({"panel": ["news\nbert"] * 2, "percent": [0, 40]})


def phases(settled: int, fitting: float | None, mean_length: float, runs: int = 4) -> list[dict[str, object]]:
    where = {**PLACE, **NOISE}
    return [
        {**where, "quantity": "settles", "mean": settled / runs, "n": runs},
        {**where, "quantity": "settling_epochs", "mean": mean_length, "n": runs},
        {**where, "quantity": "fitting_epochs", "mean": fitting, "n": settled},
    ]


def test_settling_is_drawn_over_the_runs_that_settle_alone() -> None:
    # Two of four runs settle after 2 epochs, for 3 each: 1.5 in the mean of all.
    bars = settling_bars.settling_rows(pd.DataFrame(phases(2, 2.0, 1.5)), MEASURED)
    (row,) = bars.to_dict("records")
    assert (row["panel"], row["percent"], row["first"], row["last"], row["who"]) == (
        "news\nbert",
        40,
        2.0,
        4.0,
        "2 of 4",
    )
    assert row["height"] == pytest.approx(-2 * style.LANE)
    assert settling_bars.lowest(bars) < row["height"]
    assert settling_bars.note(bars) == settling_bars.BARS_NOTE


def test_where_no_run_settles_nothing_is_drawn_and_it_is_said() -> None:
    bars = settling_bars.settling_rows(pd.DataFrame(phases(0, None, 0.0)), MEASURED)
    assert bars.empty
    assert settling_bars.lowest(bars) == style.LOWEST
    assert settling_bars.note(bars) == settling_bars.NONE_SETTLES


def curve(panel: str, percent: int, end: float) -> list[dict[str, object]]:
    return [{"panel": panel, "percent": percent, "epoch": epoch, "mean": mean} for epoch, mean in ((0, 0.0), (1, end))]


def test_lines_are_named_at_their_ends_where_every_panel_has_room_and_else_by_the_legend() -> None:
    roomy = [row for percent, end in ((0, 0.9), (10, 0.5), (20, 0.4)) for row in curve("roomy", percent, end)]
    crowded = [row for percent, end in ((0, 0.9), (10, 0.5), (20, 0.45)) for row in curve("crowded", percent, end)]
    named = end_labels.placed(pd.DataFrame(roomy), ["panel"], "percent")
    assert named[["panel", "percent", "epoch", "end"]].to_numpy().tolist() == [
        ["roomy", 0, 1, 0.9],
        ["roomy", 10, 1, 0.5],
        ["roomy", 20, 1, 0.4],
    ]
    assert end_labels.placed(pd.DataFrame(roomy + crowded), ["panel"], "percent").empty
