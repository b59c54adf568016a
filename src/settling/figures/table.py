"""A figure that is a table: its content, and the files it is written to."""

from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd
import pyarrow as pa

from settling.analysis.wording import numbers
from settling.files import write_text
from settling.tables import write_csv

NO_RUN = "–"
UNDEFINED = "undefined"
TABLE_PAGE = jinja2.Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
body { font-family: "Liberation Sans", Arial, Helvetica, sans-serif; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #ddd; }
</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
{% for note in notes %}
<p>{{ note }}</p>
{% endfor %}
{% if rows %}
<table>
<thead><tr>{% for column in columns %}<th scope="col">{{ column }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</main>
</body>
</html>
""",
    autoescape=True,
    trim_blocks=True,
    keep_trailing_newline=True,
)


class TextTable(NamedTuple):
    """The titles of the columns, the rows of cells as a reader sees them, and the notes above the table."""

    columns: list[str]
    rows: list[list[str]]
    notes: list[str]


def estimates(frame: pd.DataFrame, percent: bool = False) -> list[str]:
    """Return each estimate of a frame as a cell: its mean and interval, those of a share in percent if `percent`."""
    return [
        UNDEFINED if pd.isna(row["mean"]) else " ".join(filter(None, numbers(row, percent=percent)))
        for _, row in frame.iterrows()
    ]


def write_page(path: Path, content: dict[str, Any]) -> None:
    """Write a table's title, notes, columns and rows as an HTML page that loads nothing."""
    write_text(path, TABLE_PAGE.render(content))


def write_cells(path: Path, content: dict[str, Any]) -> None:
    """Write a table's columns and rows as CSV."""
    columns = [pa.array(cells, pa.string()) for cells in zip(*content["rows"], strict=True)]
    write_csv(path, pa.Table.from_arrays(columns, content["columns"]))
