"""The words that are forgotten most often, in their sentences (the paper's appendix D)."""

import pandas as pd

from settling.analysis.rows import holding, one_view
from settling.figures.selection import NothingToShowError, Tables
from settling.figures.table import TextTable

TITLE = "The words most often forgotten"
QUESTION = "Which words will not stay learned?"
READING = (
    "The table lists the training words that are forgotten most often on clean data. Each stands between the words "
    "around it, with its label and its mean number of forgetting events over the runs. Words with equal numbers "
    "stand in corpus order. Annotation errors and unusual uses may be among them. The report's table of words has "
    "more of them, and has other lists."
)

RANKS = 10
COLUMNS = ["Data set", "System", "View", "Runs", "Rank", "Before", "Word", "After", "Label", "Forgotten"]


def table(tables: Tables) -> TextTable:
    """Return, for each data set and system, a row for each word of the first ranks, between its neighbours."""
    words = holding(tables["words"], list="most-forgotten", family="clean")
    words = quoted(words[words["rank"] <= RANKS], tables["quotes"])
    if words.empty:
        raise NothingToShowError("No word was forgotten.")
    return TextTable(
        COLUMNS,
        [
            [
                *(str(word[name]) for name in ("dataset", "system", "view", "n", "rank", "before", "token", "after")),
                word["true_label"],
                f"{word['forgetting']:.1f}",
            ]
            for word in words.sort_values(["dataset", "system", "view", "rank"]).to_dict("records")
        ],
        [f"The first {RANKS} ranks, ties in corpus order. Forgotten: mean number of forgetting events over the runs."],
    )


def quoted(words: pd.DataFrame, quotes: pd.DataFrame) -> pd.DataFrame:
    """Return the words, in the paper's view where there is one, each with the text of its sentence."""
    return one_view(words, "minibatch").merge(quotes, on=["dataset", "sentence", "position"])


def sentences(tables: Tables) -> list[str]:
    """Say which word each system forgets most often on clean data."""
    first = quoted(holding(tables["words"], list="most-forgotten", rank=1, family="clean"), tables["quotes"])
    return [
        f"{word['system']} on {word['dataset']}: the word most often forgotten is “{word['token']}” "
        f"({word['true_label']}), {word['forgetting']:.1f} times in the mean (n={word['n']})."
        for word in first.sort_values(["dataset", "system"]).to_dict("records")
    ]
