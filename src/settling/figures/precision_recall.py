"""Test precision and recall of each system trained on all sentences that the study keeps (the paper's appendix G)."""

import altair as alt
import pandas as pd

from settling.figures import selection, style
from settling.figures.tab2_full_data import notes, test_scores
from settling.figures.text_table import NONE, Cell, Column, Number, Row, numbers, text_table

METRICS = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
COLUMNS = [Column("System", 170), *(Column(title, 150, "number", 50) for title in METRICS.values())]


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a line for each data set and system."""
    found = test_scores(tables["summary"], *METRICS)
    selection.needed(found, "test precision, recall or F1 on clean data")
    rows = []
    for dataset, of_dataset in found.groupby("dataset"):
        rows.append(Row([str(dataset)], head=True))
        for system, scores in of_dataset.groupby("system"):
            cells = dict(zip(scores["metric"], numbers(scores, ".3f"), strict=True))
            named: list[Cell] = [str(system)]
            rows.append(Row(named + [cells.get(metric, Number(NONE)) for metric in METRICS]))
    return style.finished(text_table(COLUMNS, rows), figure, *notes(found))
