"""The claims and their verdicts as text: the file claims.txt, and the sentences that the report takes over."""

import itertools
import textwrap

import pandas as pd

from settling.analysis.wording import all_own, numbers
from settling.errors import printable

TEXT_WIDTH = 120
# In the order of the page: what is decided first.
VERDICTS = ("reproduced", "not reproduced", "undecided", "not run")
# The reasons for an undecided verdict that a row's interval and n themselves show.
MARGIN_INSIDE = "the interval holds the margin"
FEW = "a verdict needs three"
LEGEND = (
    "A verdict needs three runs (n), or three pairs where runs are compared. Intervals of means are Student's, over "
    "runs; those of shares are Agresti and Coull's; both are cut to what a value can be. With few runs they are far "
    "wider than the bootstrap intervals of the tables and findings. Tags say where a claim is from: [A] abstract, [B] "
    "a blog post, [S n] slide n of a talk, [L] a review."
)
SMALL = (
    "A small study illustrates the claims. It is no evidence for or against them at the size of the paper's main data "
    "set, CoNLL-2003 with 14,041 training sentences."
)
FEW_RUNS = {
    1: "Every mean is of a single run. It has no interval, so chance cannot be told from effect.",
    2: "No mean is of more than two runs. Intervals of so few runs are not to be relied on.",
}
NOTHING_ASKED = "The study has no runs that a claim of the paper is about."


def printed(claims: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    """Return the text of claims.txt, from the table `claims` and the study's other tables by name."""
    asked, folded = in_order(claims), not_asked(claims, tables["datasets"])
    opening = [scale(tables), *([tally(claims), LEGEND] if asked else [NOTHING_ASKED]), *([folded] if folded else [])]
    lines = [line for text in opening for line in (*textwrap.wrap(text, TEXT_WIDTH, break_on_hyphens=False), "")][:-1]
    all_cells = [cells(rows) for rows in asked]
    widths = [max(map(len, column)) for column in zip(*itertools.chain(*all_cells), strict=True)]
    for rows, of_claim in zip(asked, all_cells, strict=True):
        verdict = f"{rows['overall'].iloc[0]:<{max(map(len, VERDICTS[:-1]))}}  "
        indent = " " * len(verdict)
        lines.append("")
        for text, first in ((f"{words(rows)} ({rows['claim'].iloc[0]})", verdict), (test(rows), indent)):
            lines += textwrap.wrap(
                text, TEXT_WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
            )
        for row in of_claim:
            padded = (
                f"{cell:>{width}}" if right else f"{cell:<{width}}"
                for cell, width, right in zip(row, widths, RIGHT_ALIGNED, strict=True)
            )
            lines.append(f"  {'  '.join(padded)}".rstrip())
    return printable("\n".join(lines)) + "\n"


def in_order(claims: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of each claim that was run: those reproduced, those not reproduced, then those undecided."""
    of_claim = [rows for _, rows in claims[claims["overall"] != "not run"].groupby("claim", sort=False, observed=True)]
    return sorted(of_claim, key=lambda rows: VERDICTS.index(rows["overall"].iloc[0]))


def not_asked(claims: pd.DataFrame, datasets: pd.DataFrame) -> str | None:
    """Name, in a line, the claims that were not run; None where there are none, or all data are the user's own.

    A study of one's own data is not made to speak of the paper. `datasets` is the table of that name.
    """
    names = claims.loc[claims["overall"] == "not run", "claim"]
    if names.empty or all_own(datasets):
        return None
    return f"What this study does not ask ({len(names)}): {', '.join(names)}."


TITLES = ("Verdict", "Effect", "95 % interval", "n", "Data set", "System", "Where")
RIGHT_ALIGNED = (False, True, True, True, False, False, False)


def cells(claims: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the cells of each row, one for each of TITLES."""
    rows: list[tuple[str, ...]] = []
    for _, row in claims.iterrows():
        signed = row["statistic"] == "slope" or pd.notna(row["against"]) or row["margin"] < 0
        effect, interval = numbers(row, signed) if pd.notna(row["mean"]) else ("", "")
        system = " less ".join(row[name] for name in ("system", "against") if pd.notna(row[name]))
        dataset, setting = ("" if pd.isna(row[name]) else str(row[name]) for name in ("dataset", "setting"))
        if pd.notna(row["reason"]) and not row["reason"].endswith((MARGIN_INSIDE, FEW)):
            setting += f" ({row['reason']})"
        interval = interval or ("none" if effect else "")
        rows.append((row["verdict"], effect, interval, f"n={row['n']}", dataset, system, setting))
    return rows


def words(claim: pd.DataFrame) -> str:
    """Return a claim's text and source, and the published number if there is one to be quoted."""
    row = claim.iloc[0]
    published = f" (published: {row['published']:g})" if pd.notna(row["published"]) else ""
    return f"{row['text']} {row['source']}{published}"


def test(claim: pd.DataFrame) -> str:
    """Say what is measured, what it must be, and how many settings got which verdict."""
    row = claim.iloc[0]
    margin = f"{'±' if row['direction'] == 'within' else ''}{row['margin']:g}"
    counts = claim["verdict"].value_counts()
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    return f"{row['effect']}, {row['direction']} {margin}: {how_many(len(claim), 'setting')}, {verdicts}"


def tally(claims: pd.DataFrame) -> str:
    """Say how many of the claims that were run have which verdict."""
    counts = claims.drop_duplicates("claim")["overall"].value_counts()
    return "Claims: " + ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in VERDICTS[:-1]) + "."


def scale(tables: dict[str, pd.DataFrame]) -> str:
    """Say how large the study is, and, once for all that is shown of it, what so few runs or data cannot show."""
    runs = tables["measures"][["dataset", "treatment", "noise_seed", "system", "seed"]].drop_duplicates()
    systems = tables["systems"][tables["systems"]["system"].isin(runs["system"])]
    groups = tables["datasets"].set_index("dataset")["group"]
    sizes = tables["treatments"].groupby("dataset")["sentences"].max()
    data = ", ".join(f"{name} ({size:,} training {groups[str(name)]}s)" for name, size in sizes.items())
    alike = runs.groupby(["dataset", "treatment", "system"])["seed"]
    seeds = alike.nunique()
    number = f"{how_many(len(runs), 'run')} of {how_many(len(systems), 'system')}"
    few = FEW_RUNS.get(int(alike.size().max()) if len(runs) else 0)
    said = f"Scale: {number} on {data}; {range_of(systems['epochs'], 'epoch')}; {range_of(seeds, 'seed')}."
    return " ".join([said, *([few] if few else []), *([] if all_own(tables["datasets"]) else [SMALL])])


def range_of(numbers: "pd.Series[int]", what: str) -> str:
    """Return the range of some numbers in words: `2 to 5 seeds`, say."""
    if numbers.empty:
        return f"no {what}"
    low, high = int(numbers.min()), int(numbers.max())
    return how_many(high, what) if low == high else f"{low} to {high} {what}s"


def how_many(number: int, what: str) -> str:
    """Return a number of things in words: `1 run`, `2 runs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
