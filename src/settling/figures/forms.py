"""The modules of the figures, and the title, question and sentences of each figure.

Importing this module imports no plotting library; asking it for a form does.
"""

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from settling.figures import FIGURES
from settling.figures.selection import Tables, shown_rows
from settling.figures.units import in_units, units_of

if TYPE_CHECKING:
    from settling.figures.style import Chart
    from settling.figures.table import TextTable

NOTHING = "The tables hold no rows to say it from."
ONE_RUN = "Every mean is of a single run. It has no interval, so chance cannot be told from effect."
TWO_RUNS = "No mean is of more than two runs. Intervals of so few runs are not to be relied on."


class Form(Protocol):
    """The content of a figure's module, which has `chart` or, where the registry says so, `table`.

    Figures of one form share a module, and differ in the runs they show.
    """

    TITLE: str
    QUESTION: str
    READING: str
    """How to read the figure, whatever it shows."""

    def chart(self, tables: Tables, /) -> "tuple[Chart, list[str]]":
        """Return the chart and the notes under its title; raise NothingToShowError where there is nothing to draw."""

    def table(self, tables: Tables, /) -> "TextTable":
        """Return the table and its notes; raise NothingToShowError where there is nothing to show."""

    def sentences(self, tables: Tables, /) -> list[str]:
        """Return what the figure shows, a sentence for each panel; an empty list where the tables have no such rows."""


def form_of(figure: str) -> Form:
    """Return the module of a figure of the registry."""
    return cast(Form, importlib.import_module(FIGURES[figure].module))


def title_of(figure: str) -> str:
    """Return the figure's own title, or that of its form."""
    return FIGURES[figure].title or form_of(figure).TITLE


def question_of(figure: str) -> str:
    """Return the figure's own question, or that of its form."""
    return FIGURES[figure].question or form_of(figure).QUESTION


def texts_of(figure: str, tables: Tables) -> dict[str, Any]:
    """Return a figure's `title`, `question`, `sentences` and `reading`; `tables` are those of the study, by name.

    They speak of the units of the data sets that the figure shows.
    """
    entry = FIGURES[figure]
    rows = shown_rows({name: tables[name] for name in entry.tables}, entry.needs)
    sentences = form_of(figure).sentences(rows)
    texts = {
        "title": title_of(figure),
        "question": question_of(figure),
        "sentences": [*sentences, *few_runs(rows)] if sentences else [NOTHING],
        "reading": form_of(figure).READING,
    }
    return dict(in_units(texts, units_of(rows, entry.needs)))


def few_runs(tables: Tables) -> list[str]:
    """Return the warning that goes with means over one or two runs, or an empty list."""
    most = max((int(frame["n"].max()) for frame in tables.values() if "n" in frame and len(frame)), default=0)
    return {1: [ONE_RUN], 2: [TWO_RUNS]}.get(most, [])
