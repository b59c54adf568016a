"""The run explorer: the curves of every run, and the chart that the page draws of the chosen runs."""

from math import nan
from typing import Any

import altair as alt
import pandas as pd

from settling.analysis.rows import TRAINED, one_view
from settling.analysis.wording import labels_in_words
from settling.figures import style

RUN_COLUMNS = [*TRAINED, "noise_seed", "seed"]
CURVE = ["split", "view", "reference", "class", "metric"]
DIGITS = 4
# Pixels; the names of runs stand beside it.
EXPLORER_WIDTH = style.WIDTH - 160
PHASES = ("fitting", "settling", "memorisation", "no settling")
# Fitting is pale, memorisation dark, and settling the one warm colour.
PHASE_COLOURS = ("#9ecae1", "#e69f00", "#6a51a3", "#bbbbbb")
# Tol's muted colours. A colour stands for a run here, so none is that of a system.
RUN_COLOURS = ("#332288", "#117733", "#cc6677", "#44aa99", "#882255", "#999933", "#aa4499", "#88ccee", "#ddcc77")


def content(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return the curves of all runs, their phases, and the chart without data.

    An item of `curves` names a curve by the values of CURVE, and an item of `names` in words. An item of `runs` is one
    run: the values of RUN_COLUMNS, then a list of `[index in curves, values by epoch]` (a null value is undefined),
    then the epochs `[fitting, settling]` (null: the run does not settle; empty: whether it settles is undefined).
    """
    scores = tables["run_curves"].sort_values([*RUN_COLUMNS, *CURVE, "epoch"])
    curves = scores[CURVE].drop_duplicates().sort_values(CURVE)
    number = {tuple(curve): index for index, curve in enumerate(curves.to_numpy().tolist())}
    labels = labels_in_words(tables)
    phases = phases_of_runs(tables["measures"])
    runs = []
    for run, of_run in scores.groupby(RUN_COLUMNS, sort=True):
        values = [[number[tuple(curve)], packed(rows["value"])] for curve, rows in of_run.groupby(CURVE)]
        runs.append([*(plain(value) for value in run), values, phases.get(tuple(map(plain, run)), [])])
    names = [curve_name(dict(zip(CURVE, curve, strict=True)), labels) for curve in number]
    found = {"curves": curves.to_numpy().tolist(), "names": names, "runs": runs}
    return {**found, "phases": PHASES, "chart": explorer_chart().to_dict()}


def curve_name(curve: dict[str, str], labels: dict[str, str]) -> str:
    """Return a curve's name, from its values of CURVE; `labels` says whose labels those of each reference are."""
    measured = curve["metric"].replace("_", " ").replace("f1", "F1")
    of_class = "" if curve["class"] == "all" else f" of {curve['class']}"
    view = f", {curve['view']}" if curve["split"] == "train" else ""
    return f"{curve['split']} {measured}{of_class}, {labels[curve['reference']]}{view}"


def packed(values: "pd.Series[float]") -> list[float | None]:
    """Return the rounded values of a curve; None stands for an undefined value."""
    return [None if pd.isna(value) else value for value in values.round(DIGITS).tolist()]


def phases_of_runs(measures: pd.DataFrame) -> dict[tuple[Any, ...], list[float] | None]:
    """Return the numbers of epochs of fitting and of settling of each run, in the view that figures take its phases of.

    None stands for a run that does not settle, an empty list for one of which it is undefined whether it settles.
    """
    whole = measures[(measures["selected_epoch"] == "run") & (measures["class"] == "all")]
    whole = one_view(whole[whole["metric"].isin(["settles", "fitting_epochs", "settling_epochs"])])
    epochs_by_run: dict[tuple[Any, ...], list[float] | None] = {}
    for run, rows in whole.groupby(RUN_COLUMNS, observed=True):
        row = dict(zip(rows["metric"], rows["value"].astype(float), strict=True))
        lengths = [row[name] for name in ("fitting_epochs", "settling_epochs") if name in row]
        settles = row.get("settles", nan)
        epochs_by_run[tuple(map(plain, run))] = [] if pd.isna(settles) else lengths if settles == 1 else None
    return epochs_by_run


def plain(value: Any) -> Any:
    """Return a numpy value as a Python value."""
    return value.item() if hasattr(value, "item") else value


def explorer_chart() -> alt.VConcatChart:
    """Return the chart; the page fills in its data: `curves`, `marks` and `phases`."""
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
    above = alt.layer(line.add_params(pick, style.zooming()), mark).properties(width=EXPLORER_WIDTH, height=240)
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
        .properties(width=EXPLORER_WIDTH, height=alt.Step(16))
    )
    both: alt.VConcatChart = alt.vconcat(above, below).resolve_scale(color="independent", x="shared")
    return style.themed(both)
