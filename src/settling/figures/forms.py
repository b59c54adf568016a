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
    texts = {
        "title": title_of(figure),
        "question": question_of(figure),
        "sentences": form_of(figure).sentences(rows) or [NOTHING],
        "reading": form_of(figure).READING,
    }
    return dict(in_units(texts, units_of(rows, entry.needs)))
