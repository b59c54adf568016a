"""How many words are forgotten, on real words and as the authors count (the paper's table 1)."""

import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view
from settling.analysis.wording import in_words, numbers
from settling.figures import selection, style
from settling.figures.selection import Tables
from settling.figures.table import NO_RUN, TextTable, estimates

TITLE = "Words forgotten"
QUESTION = "Which systems forget least of what they have learned?"
READING = (
    "Forgettable words are right at some epoch and wrong at the next, at least once. Unforgettable words never are, "
    "and words that were never learned count among them. Learned words are right at least once. The ratio is the "
    "number of forgettable words over that of learned words. The view says when a word's prediction is taken. In "
    "the view minibatch, as in the paper, that is in training mode, as the word's batch passes. In the view "
    "epoch-end it is in evaluation mode, after each epoch. The first line counts real words alone. The second "
    "counts as the authors' code does: all 50 positions of every sentence, padding and special tokens included. The "
    "last line is the difference."
)

COUNTS = {
    "forgettable": "Forgettable",
    "unforgettable": "Unforgettable",
    "learned": "Learned",
    "ratio": "Ratio, %",
}
COUNTINGS = {"words": "real words", "authors": "authors' grid"}
COLUMNS = ["Data set", "System", "View", "Counted", *COUNTS.values()]


def table(tables: Tables) -> TextTable:
    """Return, for each data set, system and view, a row for each counting and one for their difference."""
    counts = defined(holding(tables["forgetting"], family="clean", noisy=False))
    counts = selection.needed(counts, "words counted on clean data")
    # The authors' grid counts padding too. What stands alone, as an image does, has none.
    datasets = tables["datasets"]
    alone = datasets.loc[datasets["unit"] == datasets["group"], "dataset"]
    counts = counts[(counts["counting"] == "words") | ~counts["dataset"].isin(alone)]
    rows = []
    for names, of_view in counts.groupby(["dataset", "system", "view"]):
        rows += [[*map(str, names), *cells] for cells in by_counting(of_view)]
    notes = [
        "Forgettable: forgotten at least once. Unforgettable: never. Learned: right at least once. "
        "Ratio: forgettable over learned.",
        style.over_runs(counts, "Number", "Brackets"),
    ]
    return TextTable(COLUMNS, rows, notes)


def by_counting(of_view: pd.DataFrame) -> list[list[str]]:
    """Return the rows of one view from the column `Counted` on."""
    by_name = {str(name): rows.set_index("metric", drop=False) for name, rows in of_view.groupby("counting")}
    rows = [[words, *cells_of(by_name[name])] for name, words in COUNTINGS.items() if name in by_name]
    if len(rows) == len(COUNTINGS):
        rows.append(["difference", *difference_cells(by_name["authors"], by_name["words"]["mean"])])
    return rows


def cells_of(counts: pd.DataFrame) -> list[str]:
    """Return the cells of one counting; the index of `counts` is the metric."""
    cells = []
    for metric in COUNTS:
        cells += estimates(counts[counts.index == metric], percent=metric == "ratio") or [NO_RUN]
    return cells


def difference_cells(counts: pd.DataFrame, subtracted: "pd.Series[float]") -> list[str]:
    """Return the means of one counting less those of another, by metric, as cells with the decimals of the former."""
    cells = []
    for metric in COUNTS:
        cell = NO_RUN
        if metric in counts.index and metric in subtracted.index:
            row = counts[counts.index == metric].iloc[0]
            row["mean"] -= subtracted[metric]
            cell, _ = numbers(row, signed=True, percent=metric == "ratio")
        cells.append(cell.replace("-", "−"))
    return cells


def sentences(tables: Tables) -> list[str]:
    """Say which system forgets least and which most of the words that it has learned."""
    ratios = defined(holding(tables["forgetting"], family="clean", noisy=False, metric="ratio", counting="words"))
    words = "of the words that were right at least once"
    texts = []
    for dataset, rows in one_view(ratios, "minibatch").groupby("dataset"):
        ordered = rows.sort_values(["mean", "system"])
        parts = [f"{row['system']} forgets {in_words(row)}" for row in ends(ordered, "mean")]
        texts.append(
            f"{dataset}: {parts[0]} {words}."
            if len(parts) == 1
            else f"{dataset}: {words}, {parts[0]}, the least, and {parts[1]}, the most."
        )
    return texts
