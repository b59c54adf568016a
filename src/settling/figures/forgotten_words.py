"""The words that are forgotten most often, in their sentences (the paper's appendix D)."""

from typing import Any

from settling.analysis.rows import holding, one_view
from settling.figures import style
from settling.figures.selection import Tables
from settling.figures.text_table import Column, Number, Row, text_table

TITLE = "The words most often forgotten"
QUESTION = "Which words will not stay learned?"
READING = (
    "The figure lists the training words that are forgotten most often on clean data. Each stands between the words "
    "around it, with its label and its mean number of forgetting events over the runs. Words with equal numbers "
    "stand in corpus order. Annotation errors and unusual uses may be among them. The report's table of words has "
    "more of them, and has other lists."
)

SHOWN = 10
COLUMNS = [
    Column("Rank", 40, "number", 26),
    Column("Before", 260, "right"),
    Column("Word", 120, "middle"),
    Column("After", 260),
    Column("Label", 100),
    Column("Forgotten", 60, "number", 55),
]
LONGEST, LONGEST_WORD = 42, 18  # characters


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw, for each data set and system, the first ranks, the word between what stands before and after it."""
    words = tables["words"]
    shown = (words["list"] == "most-forgotten") & (words["family"] == "clean") & (words["rank"] <= SHOWN)
    words = one_view(words[shown], "minibatch").merge(tables["quotes"], on=["dataset", "sentence", "position"])
    rows = [] if len(words) else [Row(["No word was forgotten."])]
    for (dataset, system, view), found in words.groupby(["dataset", "system", "view"]):
        runs = found["n"].iloc[0]
        rows.append(Row([f"{dataset} · {system} · {view} · {runs} run{'s' if runs > 1 else ''}"], head=True))
        rows += [line(word) for word in found.sort_values("rank").to_dict("records")]
    return text_table(COLUMNS, rows), [
        f"The first {SHOWN} ranks, ties in corpus order. Forgotten: mean number of forgetting events over the runs.",
    ]


def line(word: dict[Any, Any]) -> Row:
    """Return the line of one word."""
    before, token, after = word["before"], word["token"], word["after"]
    before = before if len(before) <= LONGEST else "…" + before[-LONGEST + 1 :]
    after = after if len(after) <= LONGEST else after[: LONGEST - 1] + "…"
    token = token if len(token) <= LONGEST_WORD else token[: LONGEST_WORD - 1] + "…"
    events = Number(f"{word['forgetting']:.1f}")
    return Row([Number(str(word["rank"])), before, token, after, word["true_label"], events])


def sentences(tables: Tables) -> list[str]:
    """Say which word each system forgets most often on clean data."""
    words = holding(tables["words"], list="most-forgotten", rank=1, family="clean")
    first = one_view(words, "minibatch").merge(tables["quotes"], on=["dataset", "sentence", "position"])
    return [
        f"{word['system']} on {word['dataset']}: the word most often forgotten is “{word['token']}” "
        f"({word['true_label']}), {word['forgetting']:.1f} times in the mean (n={word['n']})."
        for word in first.sort_values(["dataset", "system"]).to_dict("records")
    ]
