"""How many words are forgotten, on real words and as the authors count (the paper's table 1)."""

import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import selection, style
from settling.figures.selection import Tables
from settling.figures.text_table import NONE, Cell, Column, Number, Row, numbers, text_table

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

METRICS = {
    "forgettable": ("Forgettable", ",.0f", 1),
    "unforgettable": ("Unforgettable", ",.0f", 1),
    "learned": ("Learned", ",.0f", 1),
    "ratio": ("Ratio, %", ".2f", 100),
}
COUNTINGS = {"words": "real words", "authors": "authors' grid"}
COLUMNS = [
    Column("System", 150),
    Column("View", 80),
    Column("Counted", 95),
    *(Column(title, 175, "number", 70) for title, _, _ in METRICS.values()),
]


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw, for each data set, system and view, a line for each counting and one for their difference."""
    counts = defined(holding(tables["forgetting"], family="clean", noisy=False))
    counts = selection.needed(counts, "words counted on clean data")
    # The authors' grid is one of words: an image has no padding.
    systems = tables["systems"]
    images = systems.loc[systems["kind"] == "image", "system"]
    counts = counts[(counts["counting"] == "words") | ~counts["system"].isin(images)]
    rows = []
    for dataset, of_dataset in counts.groupby("dataset"):
        rows.append(Row([str(dataset)], head=True))
        for (system, view), found in of_dataset.groupby(["system", "view"]):
            rows += lines(str(system), str(view), found)
    return text_table(COLUMNS, rows), [
        "Forgettable: forgotten at least once. Unforgettable: never. Learned: right at least once. "
        "Ratio: forgettable over learned.",
        style.over_runs(counts, "Number", "Brackets"),
    ]


def lines(system: str, view: str, found: pd.DataFrame) -> list[Row]:
    """Return the lines of one system and view."""
    by_counting = {str(name): rows.set_index("metric") for name, rows in found.groupby("counting")}
    named = [system, view]
    rows = []
    for counting, words in COUNTINGS.items():
        if counting in by_counting:
            rows.append(Row([*named, words, *estimates(by_counting[counting])]))
            named = ["", ""]
    if len(rows) == len(COUNTINGS):
        difference = by_counting["authors"]["mean"] - by_counting["words"]["mean"]
        rows.append(Row(["", "", "difference", *differences(difference)], muted=True))
    return rows


def estimates(of_counting: pd.DataFrame) -> list[Cell]:
    """Return the estimates of one counting, whose index is the metric, as cells."""
    found: list[Cell] = []
    for metric, (_, form, scale) in METRICS.items():
        of_metric = of_counting[of_counting.index == metric]
        found += numbers(of_metric, form, scale) or [Number(NONE)]
    return found


def differences(difference: "pd.Series[float]") -> list[Cell]:
    """Return differences of means, by metric, as cells."""
    return [
        Number(f"{difference[metric] * scale:+{form}}".replace("-", "−") if pd.notna(difference.get(metric)) else NONE)
        for metric, (_, form, scale) in METRICS.items()
    ]


def sentences(tables: Tables) -> list[str]:
    """Say which system forgets least and which most of the words that it has learned."""
    ratios = defined(holding(tables["forgetting"], family="clean", noisy=False, metric="ratio", counting="words"))
    words = "of the words that were right at least once"
    found = []
    for dataset, rows in one_view(ratios, "minibatch").groupby("dataset"):
        ordered = rows.sort_values(["mean", "system"])
        parts = [f"{row['system']} forgets {in_words(row)}" for row in ends(ordered, "mean")]
        found.append(
            f"{dataset}: {parts[0]} {words}."
            if len(parts) == 1
            else f"{dataset}: {words}, {parts[0]}, the least, and {parts[1]}, the most."
        )
    return found
