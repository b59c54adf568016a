"""The run explorer: the curves of every run, packed, and the chart that the page draws of those that are chosen."""

from typing import Any

import altair as alt
import pandas as pd

from settling.figures import style

PLACE = ["dataset", "treatment", "system"]
RUN = [*PLACE, "noise_seed", "seed"]
CURVE = ["split", "view", "reference", "class", "metric"]
DIGITS = 4
PHASES = ("fitting", "settling", "memorisation", "no settling")
# Fitting and memorisation by depth, settling in between by the one warm colour; text and order say the same.
PHASE_COLOURS = ("#9ecae1", "#e69f00", "#6a51a3", "#bbbbbb")
# Tol's muted colours, which are not those of systems: a colour is a run here.
RUN_COLOURS = ("#332288", "#117733", "#cc6677", "#44aa99", "#882255", "#999933", "#aa4499", "#88ccee", "#ddcc77")


def content(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return the curves of all runs by place, their phases, and the chart without data.

    `curves` has what tells one curve of a run from another, in CURVE's order; `runs` a row a run: RUN's values, then
    `[curve, values by epoch]` pairs (null: undefined), then `view: [fitting, settling]` in epochs (null: does not
    settle; empty: undefined).
    """
    scores = tables["run_curves"].sort_values([*RUN, *CURVE, "epoch"])
    curves = scores[CURVE].drop_duplicates().sort_values(CURVE)
    number = {tuple(curve): index for index, curve in enumerate(curves.to_numpy().tolist())}
    ends = phases(tables["measures"])
    runs = []
    for run, of_run in scores.groupby(RUN, sort=True):
        values = [[number[tuple(curve)], packed(rows["value"])] for curve, rows in of_run.groupby(CURVE)]
        runs.append([*(plain(value) for value in run), values, ends.get(tuple(map(plain, run)), {})])
    return {"curves": curves.to_numpy().tolist(), "runs": runs, "phases": PHASES, "chart": chart().to_dict()}


def packed(values: "pd.Series[float]") -> list[float | None]:
    """Return the values of a curve, rounded, None where one is undefined."""
    return [None if pd.isna(value) else value for value in values.round(DIGITS).tolist()]


def phases(measures: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, list[float] | None]]:
    """Return the epochs of fitting and of settling of each run, by view.

    None where it does not settle, and no epochs where it is undefined whether it does.
    """
    whole = measures[(measures["selected_epoch"] == "run") & (measures["class"] == "all")]
    whole = whole[whole["metric"].isin(["settles", "fitting_epochs", "settling_epochs"])]
    found: dict[tuple[Any, ...], dict[str, list[float] | None]] = {}
    for (*run, view), rows in whole.groupby([*RUN, "view"], observed=True):
        row = dict(zip(rows["metric"], rows["value"].astype(float), strict=True))
        lengths = [row[name] for name in ("fitting_epochs", "settling_epochs") if name in row]
        settles = row.get("settles", 0.0)
        found.setdefault(tuple(map(plain, run)), {})[str(view)] = (
            [] if pd.isna(settles) else lengths if settles == 1 else None
        )
    return found


def plain(value: Any) -> Any:
    """Return a value of numpy's as one of Python's."""
    return value.item() if hasattr(value, "item") else value


def chart() -> alt.VConcatChart:
    """Return the chart of the data sets `curves`, `marks` and `phases`, which the page fills in."""
    pick = style.picking("run")
    colour = alt.Color("run:N", title="Run", sort=None).scale(range=[*RUN_COLOURS]).legend(symbolType="stroke")
    base = alt.Chart(alt.NamedData("curves")).encode(x=style.epochs(), color=colour)
    tooltip = [alt.Tooltip("run:N"), alt.Tooltip("epoch:Q"), alt.Tooltip("value:Q", format=".3f")]
    line = base.mark_line(clip=True, strokeWidth=1.8, point={"size": 16}).encode(
        y=alt.Y("value:Q", title=None), opacity=style.faded(pick), tooltip=tooltip
    )
    shape = alt.Shape("mark:N", title="Settling").scale(
        domain=["first settled epoch", "last settled epoch"], range=["triangle-right", "square"]
    )
    mark = (
        alt.Chart(alt.NamedData("marks"))
        .mark_point(clip=True, filled=True, size=90)
        .encode(
            x=style.epochs(),
            y=alt.Y("value:Q", title=None),
            color=colour,
            shape=shape,
            opacity=style.faded(pick),
            tooltip=[alt.Tooltip("run:N"), alt.Tooltip("mark:N"), *tooltip[1:]],
        )
    )
    above = alt.layer(line.add_params(pick, style.zooming()), mark).properties(width=520, height=240)
    below = (
        alt.Chart(alt.NamedData("phases"))
        .mark_bar(clip=True, height=11)
        .encode(
            x=alt.X("from:Q", title="Phases by epoch").axis(tickMinStep=1, grid=False),
            x2="to:Q",
            y=alt.Y("run:N", title=None, sort=None),
            color=alt.Color("phase:N", title="Phase").scale(domain=[*PHASES], range=[*PHASE_COLOURS]),
            opacity=style.faded(pick),
            tooltip=[alt.Tooltip("run:N"), alt.Tooltip("phase:N"), alt.Tooltip("epochs:Q")],
        )
        .properties(width=520, height=alt.Step(16))
    )
    both: alt.VConcatChart = alt.vconcat(above, below).resolve_scale(color="independent", x="shared")
    return style.themed(both)
