"""Test F1 of each system trained on all sentences that the study keeps (the paper's table 2)."""

import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import selection, style
from settling.figures.selection import Tables
from settling.figures.text_table import NONE, Cell, Column, Number, Row, numbers, text_table

TITLE = "Test F1 when trained on all of the study's training sentences, clean labels"
QUESTION = "How well does each system do without noise or scarcity?"
READING = (
    "Each number is micro F1 of entities on test, of each run at its epoch of best dev F1. The test split chooses "
    "nothing. A dash means that the study has no such run. The table does not show the paper's numbers: the "
    "CoNLL-2003 test file at hand is the corrected one, and a study may take a subset of the data."
)


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
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
    return text_table(columns, rows), notes(found)


def test_scores(summary: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """Return the scores on test of systems trained on clean data, each run at its best epoch on dev."""
    scores = holding(summary, family="clean", selected_epoch="best", split="test", reference="true", klass="all")
    return one_view(scores[scores["metric"].isin(metrics)])


def notes(found: pd.DataFrame) -> list[str]:
    """Say what the numbers are."""
    return [
        "Micro scores of entities on test, of each run at its epoch of best dev F1.",
        style.over_runs(defined(found), "Number", "Brackets"),
        *selection.undefined(found),
    ]


def sentences(tables: Tables) -> list[str]:
    """Say which system has the highest test F1, and whether the next one is apart from it."""
    found = []
    for dataset, rows in test_scores(tables["summary"], "f1").groupby("dataset"):
        ordered = rows.sort_values(["mean", "system"], ascending=[False, True])
        first = ordered.iloc[0]
        if pd.isna(first["mean"]):
            found.append(f"{dataset}: test F1 is {in_words(first)}.")
            continue
        text = f"{dataset}: the highest test F1 is that of {first['system']}, {in_words(first)}"
        if len(ordered) > 1:
            second = ordered.iloc[1]
            text += f"; next is {second['system']}, {in_words(second)}"
            if pd.notna(first["low"]) and pd.notna(second["high"]):
                text += f", and their intervals {'are apart' if first['low'] > second['high'] else 'overlap'}"
        found.append(f"{text}.")
    return found
