"""What all figures share: colours, theme, and the pieces that charts are built from.

A noise level has the same colour in every figure of a study, darker for more noise, and so has a system.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

import altair as alt
import pandas as pd

from settling.figures.selection import ALL_SENTENCES

NOISE_RAMP = ("#edb081", "#e98d6b", "#e3685c", "#d14a61", "#b13c6c", "#8f3371", "#6c2b6d", "#4b2362")
FULL_RAMP_PERCENT = 50
# Okabe and Ito's colour-blind-safe palette without its yellow, which is too light for a line on white.
# The last three, from Tol's muted palette, are for studies of more systems.
SYSTEM_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#000000",
    "#882255",
    "#999933",
    "#aaaaaa",
)
CAP_RAMP = ("#a8ddb5", "#5fc0c2", "#2f93bd", "#1c62a5", "#173a7a", "#120f40")
ALL_COLOUR = "#9a9a9a"
GREY_IS_ALL = "Grey: the same system trained on all clean sentences."
KEPT_IS_COLOUR = (
    "Its colour is the number of training sentences kept that hold the class, darker for more. Grey is the same system "
    "trained on all sentences."
)
DOTTED_IS_ALL = "Dotted lines: the same system on all sentences, over all its clean runs."

LOWEST = -0.02  # where an axis from 0 to 1 begins
LANE = 0.06  # height of a row of marks below 0, on an axis from 0 to 1
WIDTH = 940  # pixels of a whole drawing, which the report's page has room for
AXIS_WIDTH, BETWEEN = 55, 36  # pixels of an axis with its title, and between columns of panels, where lines are named
PANEL_HEIGHT = 160  # pixels
SMALLEST, LETTER_WIDTH = 11, 7  # pixels of the smallest text, and of a letter of a row's name
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, MUTED, GRID = "#222222", "#555555", "#ececec"
# The numbers, and the names, that fit in a row of a legend.
NUMBERS, NAMES = 12, 6
SOLID_DASHED = [[1, 0], [4, 3]]
SECOND = alt.Legend(orient="top", labelLimit=0, symbolType="stroke", symbolSize=300)
SPACING = alt.RowColnumber(row=18, column=BETWEEN)
NOISE, KEPT = "Noise, %", "Sentences kept"
PICK, ZOOM, LEVEL, HIGHEST = "pick", "zoom", "level", "the highest"
LEVEL_CHOSEN = f"{LEVEL} == '{HIGHEST}' ? datum.highest : datum.percent == {LEVEL}"

Panel: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
Chart: TypeAlias = Panel | alt.HConcatChart | alt.VConcatChart
Styled = TypeVar("Styled", bound=alt.TopLevelMixin)


def panel_width(columns: int, axes: int = 1, names: Iterable[str] = ()) -> int:
    """Return the width of each of `columns` panels side by side that fill a drawing.

    `axes` of them have a vertical axis; the lines of `names` stand at the left of the rows.
    """
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    return (WIDTH - axes * AXIS_WIDTH - columns * BETWEEN - longest * LETTER_WIDTH) // columns


def noise_colour(levels: Iterable[int], legend: bool = True) -> alt.Color:
    """Return the colour encoding of `percent`: a sequential ramp over 0 to 50 %, or to the highest level."""
    percents = sorted(set(levels))
    top = max(FULL_RAMP_PERCENT, *percents)
    colours = [_ramp(NOISE_RAMP, level / top) for level in percents]
    return (
        alt.Color("percent:O")
        .scale(domain=percents, range=colours)
        .title(NOISE)
        .legend(_symbols(NUMBERS) if legend else None)
    )


def cap_colour(sentences: pd.Series, legend: bool = True) -> alt.Color:
    """Return the colour encoding of `kept`: a sequential ramp over the caps in order, grey for all sentences."""
    caps = sorted({int(number) for number in sentences.dropna()})
    colours = [_ramp(CAP_RAMP, index / max(1, len(caps) - 1)) for index in range(len(caps))]
    kept = [str(number) for number in caps]
    if sentences.isna().any():
        kept, colours = [*kept, ALL_SENTENCES], [*colours, ALL_COLOUR]
    named = alt.Color("kept:N").scale(domain=kept, range=colours).title(KEPT)
    return named.legend(_symbols(NUMBERS) if legend else None)


def _symbols(columns: int, symbol: str = "stroke") -> alt.Legend:
    """Return a legend of strokes, or of another symbol, with this many columns."""
    return alt.Legend(symbolType=symbol, symbolOpacity=1, symbolSize=160 if symbol == "stroke" else 60, columns=columns)


def _ramp(stops: tuple[str, ...], position: float) -> str:
    """Return the colour at a position from 0 to 1 of a ramp, linear between its stops."""
    index = min(int(position * (len(stops) - 1)), len(stops) - 2)
    part = position * (len(stops) - 1) - index
    ends = [bytes.fromhex(stop[1:]) for stop in stops[index : index + 2]]
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(*ends, strict=True))


def system_colour(names: Iterable[str], systems: pd.DataFrame, symbol: str = "stroke") -> alt.Color:
    """Return the colour encoding of `system`: each of the study's systems has its own; the legend has those shown."""
    every = sorted(systems["system"])
    shown_names = sorted(set(names))
    colours = [SYSTEM_COLOURS[every.index(name) % len(SYSTEM_COLOURS)] for name in shown_names]
    named = alt.Color("system:N").scale(domain=shown_names, range=colours).title("System")
    return named.legend(_symbols(NAMES, symbol))


def epochs() -> alt.X:
    """Return the horizontal axis of a curve."""
    return alt.X("epoch:Q", title="Epoch").scale(nice=False, padding=5).axis(tickMinStep=1, grid=False)


def sentences_kept(kept: list[int], field: str = "cap_sentences") -> alt.X:
    """Return the horizontal axis of the numbers of sentences kept of a class."""
    axis = alt.Axis(values=kept, labelOverlap="greedy", grid=False)
    scale = alt.Scale(type="sqrt", zero=len(kept) == 1, nice=False, padding=12)
    return alt.X(f"{field}:Q", title="Sentences kept (root scale)").scale(scale).axis(axis)


def share(field: str, title: str, lowest: float = LOWEST) -> alt.Y:
    """Return a vertical axis from `lowest` to 1, with room at the top for a line that runs along 1."""
    # Vega draws no more of the values than the count of ticks.
    axis = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], tickCount=6)
    return alt.Y(f"{field}:Q", title=title).scale(domain=[lowest, 1.02], nice=False).axis(axis)


def height(lowest: float) -> int:
    """Return the height of a panel whose axis begins at `lowest`, so that 0 to 1 is as tall as in other figures."""
    return round(PANEL_HEIGHT * (1.02 - lowest))


def picking(field: str) -> alt.Parameter:
    """Return the selection that a click on the legend of `field` sets; the rest of the chart fades."""
    return alt.selection_point(name=PICK, fields=[field], bind="legend")


def zooming() -> alt.Parameter:
    """Return the selection that drags and scrolls both axes of all panels."""
    return alt.selection_interval(name=ZOOM, bind="scales")


def one_level(frame: pd.DataFrame) -> tuple[pd.DataFrame, alt.Parameter, list[str]]:
    """Return what shows one level of noise at a time: the rows, the choice of a level, and the note on it.

    A row that LEVEL_CHOSEN keeps is of the chosen level: at first the highest of its `panel`. Filter by it what is
    cut into panels, not a panel, or the other levels leave empty ones. The names of panels end in the level.
    """
    highest = frame["percent"] == frame.groupby("panel")["percent"].transform("max")
    rows = frame.assign(highest=highest, panel=frame["panel"] + "\n" + frame["percent"].astype(str) + " % noise")
    levels = sorted({int(level) for level in frame["percent"]})
    if len(levels) == 1:
        return rows, alt.param(name=LEVEL, value=HIGHEST), []
    choice = alt.binding_select(options=[HIGHEST, *levels], name=f"{NOISE}: ")
    note = "Shown is the highest level of noise; below the interactive figure another can be chosen."
    return rows, alt.param(name=LEVEL, value=HIGHEST, bind=choice), [note]


def faded(pick: alt.Parameter, strength: float = 1.0) -> Any:
    """Return an opacity that drops to nearly nothing where `pick` is set to something else."""
    return alt.when(pick).then(alt.value(strength)).otherwise(alt.value(strength * 0.12))


def band(curve: alt.Chart, low: alt.Y, pick: alt.Parameter) -> alt.Chart:
    """Return the intervals of a curve as an area from `low` up, which fades by `pick`."""
    area: alt.Chart = curve.mark_area(clip=True, stroke=None).encode(y=low, y2="high:Q", opacity=faded(pick, 0.2))
    return area


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
        alt.Tooltip("n:Q", title="runs (seed × noise seed)"),
    ]


def over_runs(frame: pd.DataFrame, mean: str = "Line", interval: str = "Band") -> str:
    """Return the note that explains the marks of means and intervals and gives the number of runs."""
    fewest, most = int(frame["n"].min()), int(frame["n"].max())
    if most == 1:
        return f"{mean}: one run each, so no interval."
    runs = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"{mean}: mean. {interval}: 95 % bootstrap interval over {runs} runs (seed × noise seed)."


def rows(named: bool = True) -> alt.Row:
    """Return the facet rows: one for each `panel`, its name at the left in several lines."""
    header = alt.Header(labelExpr="split(datum.value, '\\n')", labelAngle=0, labelAlign="left", labelPadding=6)
    return alt.Row("panel:N", title=None).header(header if named else None)


def in_rows(panel: Panel, frame: pd.DataFrame, field: str, order: list[str]) -> alt.FacetChart:
    """Return a row for each `panel` of the frame, with a column for each value of `field`, in this order.

    Rows and columns are sorted by their own values: Vega-Lite moves panels without data to the front where another
    order is asked for, and the rest to the wrong places.
    """
    names = json.dumps(order)
    column = alt.Column("column:O", title=None).header(labelExpr=f"{names}[datum.value]")
    sized = panel.properties(width=panel_width(len(order), names=frame["panel"]))
    faceted: alt.FacetChart = sized.facet(row=rows(), column=column, spacing=SPACING)
    return faceted.transform_calculate(column=f"indexof({names}, datum.{field})")


def wrapped(panel: Panel, frame: pd.DataFrame, below_rows: bool = False) -> alt.FacetChart:
    """Return a chart for each `panel` of the frame, its name above it, two side by side.

    `below_rows` says that it stands below named rows of the same panels, and so begins further right.
    """
    names = sorted(set(frame["panel"]))
    header = alt.Header(labelExpr="join(split(datum.value, '\\n'), ' · ')")
    facet = alt.Facet("panel:N", sort=names, title=None).header(header)
    across = min(2, len(names))
    sized = panel.properties(width=panel_width(across, names=names if below_rows else ()))
    faceted: alt.FacetChart = sized.facet(facet=facet, columns=across, spacing=SPACING)
    return faceted


def columns(field: str, order: list[str]) -> alt.Column:
    """Return the facet columns in this order."""
    return alt.Column(f"{field}:N", sort=order, title=None)


def with_title(chart: Chart, name: str, title: str, notes: Sequence[str]) -> Chart:
    """Add the figure's name and title, the notes under it and the theme."""
    named = chart.properties(
        title=alt.Title(title, subtitle=list(notes)),
        description=f"{title}. {' '.join(notes)}",
        name=name,
    )
    return themed(named)


def themed(chart: Styled) -> Styled:
    """Add the theme."""
    # One call with the whole theme: altair copies the chart at each call.
    styled: Styled = chart.configure(
        font=FONT,
        background="white",
        padding=8,
        view=alt.ViewConfig(stroke=None, continuousWidth=panel_width(2), continuousHeight=PANEL_HEIGHT),
        title=alt.TitleConfig(
            anchor="start", fontSize=14, color=INK, subtitleFontSize=11.5, subtitleColor=MUTED, offset=12
        ),
        axis=alt.AxisConfig(
            labelFontSize=SMALLEST,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=MUTED,
            titleColor=INK,
            domainColor=MUTED,
            tickColor=MUTED,
            gridColor=GRID,
            tickSize=4,
        ),
        header=alt.HeaderConfig(labelFontSize=12, labelColor=INK, labelFontWeight="bold"),
        legend=alt.LegendConfig(
            orient="bottom",
            direction="horizontal",
            titleOrient="left",
            labelFontSize=SMALLEST,
            titleFontSize=12,
            titleFontWeight="normal",
            titleColor=INK,
            labelColor=INK,
            symbolStrokeWidth=2.5,
            symbolBaseFillColor=MUTED,
            symbolBaseStrokeColor=MUTED,
        ),
    )
    return styled
