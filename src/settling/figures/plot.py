"""Draw figures from the tables of a study: a chart as JSON, HTML, SVG and PNG, a table as JSON, HTML and CSV.

    settling plot fig1_noise_f1 phases --tables results/demo/tables --output results/demo/figures

The same tables give the same bytes on one machine. The HTML is one file that loads nothing.
"""

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from settling.errors import BadInput, all_visible, choices
from settling.figures import FIGURES
from settling.figures.forms import form_of, title_of
from settling.figures.selection import NothingToShowError, Tables, shown_rows
from settling.figures.style import with_title
from settling.figures.table import TextTable, write_cells, write_page
from settling.figures.units import in_units, units_of
from settling.files import replacing, write_text
from settling.frames import read_frame

PNG_SCALE = 2
VEGALITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
CHART_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'">
<title>{title}</title>
<script>{library}</script>
</head>
<body>
<main id="figure"></main>
<script>
vegaEmbed("#figure", {spec}, {{actions: {{export: true, source: false, compiled: false, editor: false}}}});
</script>
</body>
</html>
"""


def plot(figures: Iterable[str], tables: Path, output: Path) -> None:
    """Draw `figures` from tables/<name>.parquet into the folder `output`, in files of their names."""
    for figure in figures:
        draw(figure, tables, output / figure)


def draw(figure: str, tables: Path, output: Path) -> None:
    """Draw `figure` from tables/<name>.parquet into `output` with the suffix of each of the figure's files."""
    text = specification(figure, tables)
    write_text(output.with_suffix(".json"), text + "\n")
    content = json.loads(text)
    if FIGURES[figure].is_table:
        write_page(output.with_suffix(".html"), content)
        write_cells(output.with_suffix(".csv"), content)
        return
    write_text(output.with_suffix(".html"), page(content["title"]["text"], text))
    svg = vector(text)
    write_text(output.with_suffix(".svg"), svg)
    with replacing(output.with_suffix(".png")) as part:
        part.write_bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))


def specification(figure: str, tables: Path) -> str:
    """Return what `figure` shows, as JSON: a chart's Vega-Lite specification, or a table's title, notes and cells.

    Where the tables have nothing of what the figure shows, its notes say so.
    """
    if figure not in FIGURES:
        raise BadInput(f"figure {figure!r} is not defined; {choices(figure, FIGURES)}")
    entry = FIGURES[figure]
    frames = shown_rows({name: read_frame(tables / f"{name}.parquet", name) for name in entry.tables}, entry.needs)
    content = table_content(figure, frames) if entry.is_table else chart_content(figure, frames)
    content = in_units(content, units_of(frames, entry.needs))
    return json.dumps(all_visible(content), sort_keys=True, ensure_ascii=False, allow_nan=False)


def chart_content(figure: str, tables: Tables) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart, its data inside.

    It is not checked against Vega-Lite's schema, which would take a fourth of the time; a test checks each module's.
    """
    with alt.data_transformers.enable("default", max_rows=None), debug_mode(False):
        try:
            chart, notes = form_of(figure).chart(tables)
        except NothingToShowError as missing:
            chart, notes = alt.Chart(alt.InlineData([])).mark_point(), [*missing.lines]
        return with_title(chart, figure, title_of(figure), notes).to_dict(validate=False)


def table_content(figure: str, tables: Tables) -> dict[str, Any]:
    """Return the title, notes, columns and rows of a table."""
    try:
        table = form_of(figure).table(tables)
    except NothingToShowError as missing:
        table = TextTable([], [], [*missing.lines])
    return {"title": title_of(figure), **table._asdict()}


def vector(spec: str) -> str:
    """Return a chart as SVG.

    Its ids of clip paths count from 0; vega counts them on from the last figure of the process.
    """
    svg = vl_convert.vegalite_to_svg(spec, VEGALITE)
    numbers = dict.fromkeys(re.findall(r'id="clip(\d+)"', svg))
    order = {number: str(index) for index, number in enumerate(numbers)}
    return re.sub(r'(id="clip|url\(#clip)(\d+)', lambda match: match[1] + order[match[2]], svg)


def page(title: str, spec: str) -> str:
    """Return the HTML page of a chart; no text in `spec` can end its script, since `<` is escaped."""
    inert = spec.replace("<", "\\u003c")
    library = vl_convert.javascript_bundle(vl_version=VEGALITE)  # type: ignore[call-arg]
    return CHART_PAGE.format(title=html.escape(title), library=library, spec=inert)
