"""Test F1 of each system trained on all sentences that the study keeps (the paper's table 2)."""

import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import selection, style
from settling.figures.selection import Tables
from settling.figures.table import NO_RUN, TextTable, estimates

TITLE = "Test F1 when trained on all of the study's training sentences, clean labels"
QUESTION = "How well does each system do without noise or scarcity?"
READING = (
    "Each number is micro F1 of entities on test, of each run at its epoch of best dev F1. The test split chooses "
    "nothing. A dash means that the study has no such run. The table does not show the paper's numbers: the "
    "CoNLL-2003 test file at hand is the corrected one, and a study may take a subset of the data."
)


def table(tables: Tables) -> TextTable:
    """Return a row for each system and a column for each data set."""
    scores = test_scores(tables["summary"], "f1")
    selection.needed(scores, "test F1 on clean data")
    cells = dict(zip(zip(scores["system"], scores["dataset"], strict=True), estimates(scores), strict=True))
    datasets = sorted(set(scores["dataset"]))
    rows = [
        [system, *(cells.get((system, dataset), NO_RUN) for dataset in datasets)]
        for system in sorted(set(scores["system"]))
    ]
    return TextTable(["System", *datasets], rows, score_notes(scores))


def test_scores(summary: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """Return the scores on test of systems trained on clean data, each run at its best epoch on dev."""
    scores = holding(summary, family="clean", selected_epoch="best", split="test", reference="true", klass="all")
    return one_view(scores[scores["metric"].isin(metrics)])


def score_notes(scores: pd.DataFrame) -> list[str]:
    """Say what the numbers are."""
    return [
        "Micro scores of entities on test, of each run at its epoch of best dev F1.",
        style.over_runs(defined(scores), "Number", "Brackets"),
        *selection.undefined(scores),
    ]


def sentences(tables: Tables) -> list[str]:
    """Say which system has the highest test F1, and whether the next one is apart from it."""
    texts = []
    for dataset, rows in test_scores(tables["summary"], "f1").groupby("dataset"):
        ordered = rows.sort_values(["mean", "system"], ascending=[False, True])
        first = ordered.iloc[0]
        if pd.isna(first["mean"]):
            texts.append(f"{dataset}: test F1 is {in_words(first)}.")
            continue
        text = f"{dataset}: the highest test F1 is that of {first['system']}, {in_words(first)}"
        if len(ordered) > 1:
            second = ordered.iloc[1]
            text += f"; next is {second['system']}, {in_words(second)}"
            if pd.notna(first["low"]) and pd.notna(second["high"]):
                text += f", and their intervals {'are apart' if first['low'] > second['high'] else 'overlap'}"
        texts.append(f"{text}.")
    return texts
