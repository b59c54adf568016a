"""A table drawn as a chart: rows of text, numbers with their intervals beside them."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import altair as alt
import pandas as pd

from settling.figures import style

ROW_HEIGHT = 17
SIZE, SMALL = 11, 9.5
GAP = 5  # pixels between a number and its interval
NONE = "–"
UNDEFINED = "undefined"
LINE_WIDTH = 600  # pixels


class Column(NamedTuple):
    """A column: its title, its width in pixels, and where in it the text stands; what stands in the middle is bold.

    Numbers end, and their intervals begin, `after` pixels from the column's left.
    """

    title: str
    width: int
    kind: Literal["left", "right", "middle", "number"] = "left"
    after: int = 0


class Number(NamedTuple):
    """A number with its interval, as text; the interval may be empty."""

    text: str
    interval: str = ""


Cell = str | Number


class Row(NamedTuple):
    """A line of the table; a `head` is bold, with a rule under it. A cell alone may run on over all columns."""

    cells: list[Cell]
    head: bool = False
    muted: bool = False


def numbers(estimates: pd.DataFrame, form: str, scale: float = 1) -> list[Number]:
    """Return the estimates of a frame as text, their numbers times `scale` in the format `form`."""
    found = []
    for mean, low, high in (estimates[["mean", "low", "high"]] * scale).itertuples(index=False):
        if pd.isna(mean):
            found.append(Number(UNDEFINED))
            continue
        found.append(Number(f"{mean:{form}}", f"[{low:{form}}, {high:{form}}]" if pd.notna(low) else ""))
    return found


def text_table(columns: list[Column], rows: list[Row]) -> alt.LayerChart:
    """Return the table as a chart, the columns' titles on top."""
    lines = [Row([column.title for column in columns], head=True), *rows]
    cells = [
        {**cell, "y": (index + 0.5) * ROW_HEIGHT, "row": index - 1, "rule": row.head}
        for index, row in enumerate(lines)
        for cell in _placed(columns, row)
    ]
    frame = pd.DataFrame(cells)
    width = sum(column.width for column in columns)
    base = alt.Chart().encode(
        x=alt.X("x:Q").scale(None).axis(None),
        y=alt.Y("y:Q").scale(None).axis(None),
        text="text:N",
        color=alt.Color("ink:N").scale(None),
    )
    layers = []
    for look in sorted({(cell["align"], cell["weight"], cell["size"]) for cell in cells}):
        align, weight, size = look
        same = f"datum.align == '{align}' && datum.weight == '{weight}' && datum.size == {size}"
        mark = base.transform_filter(same).mark_text(align=align, fontWeight=weight, fontSize=size, baseline="middle")
        layers.append(mark)
    rule = (
        alt.Chart()
        .transform_filter("datum.rule")
        .transform_aggregate(y="max(y)", groupby=["row"])
        .transform_calculate(below=f"datum.y + {ROW_HEIGHT / 2}", left="0", right=f"{width}")
        .mark_rule(color=style.GRID, strokeWidth=1.2)
        .encode(
            x=alt.X("left:Q").scale(None).axis(None),
            x2="right:Q",
            y=alt.Y("below:Q").scale(None).axis(None),
        )
    )
    return alt.LayerChart(data=frame, layer=[rule, *layers], width=width, height=len(lines) * ROW_HEIGHT)


def written_out(lines: Iterable[str]) -> alt.LayerChart:
    """Return the chart of a figure that has nothing to show: lines that say what is missing."""
    return text_table([Column("", LINE_WIDTH)], [Row([line]) for line in lines])


def _placed(columns: list[Column], row: Row) -> list[dict[str, Any]]:
    """Return the texts of a row, each with its place in pixels and its look."""
    found: list[dict[str, Any]] = []
    left = 0
    for column, cell in zip(columns, row.cells, strict=False):
        ink = style.MUTED if row.muted else style.INK
        weight = "bold" if row.head or column.kind == "middle" else "normal"
        look = {"weight": weight, "size": SIZE, "ink": ink, "column": column.title}
        places = {
            "left": ("left", left),
            "right": ("right", left + column.width - GAP),
            "middle": ("center", left + column.width / 2),
            "number": ("right", left + column.after),
        }
        align, x = places["left" if len(row.cells) == 1 else column.kind]
        found.append({"text": cell if isinstance(cell, str) else cell.text, "align": align, "x": x, **look})
        if isinstance(cell, Number) and cell.interval:
            beside = {"text": cell.interval, "align": "left", "x": left + column.after + GAP}
            found.append({**look, **beside, "size": SMALL, "ink": style.MUTED})
        left += column.width
    return [cell for cell in found if cell["text"]]
