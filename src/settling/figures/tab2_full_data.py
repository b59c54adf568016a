"""Test F1 of each system trained on all sentences that the study keeps (the paper's table 2)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.figures import selection, style
from settling.figures.text_table import NONE, Cell, Column, Number, Row, numbers, text_table


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a line for each system and a column for each data set."""
    found = test_scores(tables["summary"], "f1")
    selection.needed(found, "test F1 on clean data")
    cells = dict(zip(zip(found["system"], found["dataset"], strict=True), numbers(found, ".3f"), strict=True))
    datasets = sorted(set(found["dataset"]))
    columns = [Column("System", 170), *(Column(dataset, 150, "number", 50) for dataset in datasets)]
    rows = []
    for system in sorted(set(found["system"])):
        named: list[Cell] = [system]
        rows.append(Row(named + [cells.get((system, dataset), Number(NONE)) for dataset in datasets]))
    return style.finished(text_table(columns, rows), figure, *notes(found))


def test_scores(summary: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """Return the scores on test of systems trained on clean data, each run at its best epoch on dev."""
    scores = holding(summary, family="clean", moment="best", split="test", reference="true", klass="all")
    return one_view(scores[scores["metric"].isin(metrics)])


def notes(found: pd.DataFrame) -> list[str]:
    """Say what the numbers are."""
    return [
        "Micro scores of entities on test, of each run at its epoch of best dev F1.",
        style.over_runs(defined(found), "Number", "Brackets"),
        *selection.undefined(found),
    ]
