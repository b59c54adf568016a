"""What all figures share: colours, theme, the choice of rows, and the pieces that charts are built from.

A noise level has the same colour in every figure of a study, darker for more noise, and so has a system.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import altair as alt
import pandas as pd

from settling.errors import BadInput
from settling.figures import FIGURES

NOISE_KINDS = ("resample", "flip")
NOISE_RAMP = ("#edb081", "#e98d6b", "#e3685c", "#d14a61", "#b13c6c", "#8f3371", "#6c2b6d", "#4b2362")
FULL_RAMP_PERCENT = 50
# Okabe and Ito's colour-blind-safe palette without its yellow, which is too light for a line on white.
SYSTEM_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")

PANEL_WIDTH, PANEL_HEIGHT = 190, 140  # pixels; two panels and a title row fill a page's two columns
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, MUTED, GRID = "#222222", "#555555", "#ececec"
STROKES = alt.Legend(symbolType="stroke", symbolOpacity=1, symbolSize=160)
SECOND = alt.Legend(orient="top", labelLimit=0)
PICK, ZOOM = "pick", "zoom"


def matching(frame: pd.DataFrame, **values: Hashable) -> pd.DataFrame:
    """Return the rows that hold these values and have a mean; `klass` stands for the column `class`."""
    keep = frame["mean"].notna()
    for column, value in values.items():
        keep &= frame[{"klass": "class"}.get(column, column)] == value
    return frame[keep]


def needed(frame: pd.DataFrame, table: str, what: str) -> pd.DataFrame:
    """Return `frame`; raise BadInput where the table had no such rows."""
    if frame.empty:
        raise BadInput(f"table {table}: no rows of {what}, which the figure shows")
    return frame


def one_view(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the epoch-end view of each treatment and system, the minibatch view where there is no other."""
    at_end = frame["view"] == "epoch-end"
    has_end = at_end.groupby([frame["dataset"], frame["treatment"], frame["system"]]).transform("any")
    return frame[at_end | ~has_end]


def by_noise(frame: pd.DataFrame) -> pd.DataFrame:
    """Return clean and noisy rows with `noise` (its kind), `percent` (clean: 0) and `panel` (row label).

    Clean rows appear once for each kind of noise that their data set and system were trained on.
    """
    noisy = frame[frame["kind"].isin(NOISE_KINDS)]
    place = noisy[["dataset", "system", "kind"]].drop_duplicates().rename(columns={"kind": "noise"})
    joined = frame.merge(place, on=["dataset", "system"])
    joined = joined[(joined["kind"] == "clean") | (joined["kind"] == joined["noise"])]
    label = joined["dataset"] + "\n" + joined["system"]
    if place["noise"].nunique() > 1:
        label += "\n" + joined["noise"] + " noise"
    return joined.assign(percent=joined["percent"].fillna(0).astype(int), panel=label)


def noise_colour(levels: Iterable[int]) -> alt.Color:
    """Return the colour encoding of `percent`: a sequential ramp over 0 to 50 %, or to the highest level."""
    shown = sorted(set(levels))
    top = max(FULL_RAMP_PERCENT, *shown)
    colours = [_ramp(level / top) for level in shown]
    return alt.Color("percent:O").scale(domain=shown, range=colours).title("Noise, % of words").legend(STROKES)


def _ramp(position: float) -> str:
    """Return the colour at a position from 0 to 1 of NOISE_RAMP, linear between its stops."""
    index = min(int(position * (len(NOISE_RAMP) - 1)), len(NOISE_RAMP) - 2)
    part = position * (len(NOISE_RAMP) - 1) - index
    stops = [bytes.fromhex(stop[1:]) for stop in NOISE_RAMP[index : index + 2]]
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(*stops, strict=True))


def system_colour(systems: Iterable[str]) -> alt.Color:
    """Return the colour encoding of `system`."""
    shown = sorted(set(systems))
    colours = [SYSTEM_COLOURS[index % len(SYSTEM_COLOURS)] for index in range(len(shown))]
    return alt.Color("system:N").scale(domain=shown, range=colours).title("System").legend(STROKES)


def epochs() -> alt.X:
    """Return the horizontal axis of a curve."""
    return alt.X("epoch:Q", title="Epoch").scale(nice=False, padding=5).axis(tickMinStep=1, grid=False)


def share(field: str, title: str) -> alt.Y:
    """Return a vertical axis from 0 to 1, with room for a line that runs along either end."""
    return alt.Y(f"{field}:Q", title=title).scale(domain=[-0.02, 1.02], nice=False)


def picking(field: str) -> alt.Parameter:
    """Return the selection that a click on the legend of `field` sets; the rest of the chart fades."""
    return alt.selection_point(name=PICK, fields=[field], bind="legend")


def zooming() -> alt.Parameter:
    """Return the selection that drags and scrolls both axes of all panels."""
    return alt.selection_interval(name=ZOOM, bind="scales")


def faded(pick: alt.Parameter, strength: float = 1.0) -> Any:
    """Return an opacity that drops to nearly nothing where `pick` is set to something else."""
    return alt.when(pick).then(alt.value(strength)).otherwise(alt.value(strength * 0.12))


def interval_text(chart: alt.Chart) -> alt.Chart:
    """Add `interval`: the bootstrap interval in words, or that one run has none."""
    text = "isValid(datum.low) ? format(datum.low, '.3f') + ' to ' + format(datum.high, '.3f') : 'none: one run'"
    return chart.transform_calculate(interval=text)


def tooltip(*first: alt.Tooltip) -> list[alt.Tooltip]:
    """Return the fields of a tooltip: those given, then the estimate, its interval and the number of runs."""
    return [
        *first,
        alt.Tooltip("mean:Q", title="mean", format=".3f"),
        alt.Tooltip("interval:N", title="95 % bootstrap interval"),
        alt.Tooltip("n:Q", title="runs (seed × draw)"),
    ]


def over_runs(frame: pd.DataFrame) -> str:
    """Say what lines and bands are, and over how many runs."""
    fewest, most = int(frame["n"].min()), int(frame["n"].max())
    if most == 1:
        return "Line: one run each, so no interval."
    runs = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"Line: mean. Band: 95 % bootstrap interval over {runs} runs (seed × draw)."


def rows(frame: pd.DataFrame) -> alt.Row:
    """Return the facet rows: one for each `panel`, its lines stacked."""
    header = alt.Header(labelExpr="split(datum.value, '\\n')", labelAngle=0, labelAlign="left", labelPadding=6)
    return alt.Row("panel:N", sort=sorted(set(frame["panel"])), title=None).header(header)


def panels(frame: pd.DataFrame) -> alt.Facet:
    """Return one facet for each `panel`, its title in one line."""
    header = alt.Header(labelExpr="join(split(datum.value, '\\n'), ' · ')")
    return alt.Facet("panel:N", sort=sorted(set(frame["panel"])), title=None).header(header)


def columns(field: str, order: list[str]) -> alt.Column:
    """Return the facet columns in this order."""
    return alt.Column(f"{field}:N", sort=order, title=None)


def finished(chart: alt.FacetChart, figure: str, *notes: str) -> alt.FacetChart:
    """Add the title, the notes under it and the theme."""
    title = FIGURES[figure].title
    styled: alt.FacetChart = (
        chart.properties(
            title=alt.Title(title, subtitle=list(notes)),
            description=f"{title}. {' '.join(notes)}",
            name=figure,
        )
        .configure(font=FONT, background="white", padding=8)
        .configure_view(stroke=None, continuousWidth=PANEL_WIDTH, continuousHeight=PANEL_HEIGHT)
        .configure_title(anchor="start", fontSize=13, color=INK, subtitleFontSize=10.5, subtitleColor=MUTED, offset=12)
        .configure_axis(
            labelFontSize=10,
            titleFontSize=11,
            titleFontWeight="normal",
            labelColor=MUTED,
            titleColor=INK,
            domainColor=MUTED,
            tickColor=MUTED,
            gridColor=GRID,
            tickSize=4,
        )
        .configure_header(labelFontSize=11, labelColor=INK, labelFontWeight="bold")
        .configure_legend(
            orient="bottom",
            direction="horizontal",
            titleOrient="left",
            labelFontSize=10,
            titleFontSize=11,
            titleFontWeight="normal",
            labelColor=INK,
            symbolStrokeWidth=2.5,
        )
        .configure_facet(spacing=16)
    )
    return styled
