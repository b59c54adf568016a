"""How many words are forgotten, on real words and as the authors count (the paper's table 1)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding
from settling.figures import selection, style
from settling.figures.text_table import NONE, Cell, Column, Number, Row, numbers, text_table

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


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
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
    return style.finished(
        text_table(COLUMNS, rows),
        figure,
        "Forgettable: forgotten at least once. Unforgettable: never. Learned: right at least once. "
        "Ratio: forgettable over learned.",
        style.over_runs(counts, "Number", "Brackets"),
    )


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
