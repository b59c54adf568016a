"""Test precision and recall of each system trained on all sentences that the study keeps (the paper's appendix G)."""

from settling.analysis.rows import holding
from settling.analysis.wording import in_words, listed
from settling.figures import selection
from settling.figures.selection import Tables
from settling.figures.tab2_full_data import score_notes, test_scores
from settling.figures.table import NO_RUN, TextTable, estimates

TITLE = "Test precision and recall when trained on all of the study's training sentences, clean labels"
QUESTION = "Does a system find too few entities, or too many?"
READING = (
    "The numbers are micro precision, recall and F1 of entities on test, of each run at its epoch of best dev F1. "
    "Precision above recall means that a system finds too few entities. Recall above precision means that it finds "
    "too many."
)

TITLES = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
COLUMNS = ["Data set", "System", *TITLES.values()]


def table(tables: Tables) -> TextTable:
    """Return a row for each data set and system."""
    scores = test_scores(tables["summary"], *TITLES)
    selection.needed(scores, "test precision, recall or F1 on clean data")
    rows = []
    for names, of_system in scores.groupby(["dataset", "system"]):
        cells = dict(zip(of_system["metric"], estimates(of_system), strict=True))
        rows.append([*map(str, names), *(cells.get(metric, NO_RUN) for metric in TITLES)])
    return TextTable(COLUMNS, rows, score_notes(scores))


def sentences(tables: Tables) -> list[str]:
    """Say of each system which of its precision and recall is the higher."""
    texts = []
    for dataset, of_dataset in test_scores(tables["summary"], "precision", "recall").groupby("dataset"):
        if of_dataset["mean"].isna().all():
            texts.append(f"{dataset}: test precision and recall are {in_words(of_dataset.iloc[0])}.")
            continue
        parts = []
        for system, rows in of_dataset.groupby("system"):
            precision, recall = (holding(rows, metric=name) for name in ("precision", "recall"))
            if len(precision) and len(recall):
                gap = precision["mean"].iloc[0] - recall["mean"].iloc[0]
                which = "equal to" if gap == 0 else "above" if gap > 0 else "below"
                parts.append(
                    f"{system} {in_words(precision.iloc[0])}, {which} its recall of {in_words(recall.iloc[0])}"
                )
        if parts:
            texts.append(f"{dataset}: test precision of {listed(parts)}.")
    return texts
