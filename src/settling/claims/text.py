"""The claims and their verdicts as text: the file claims.txt, and the sentences that the report takes over."""

import textwrap

import pandas as pd

from settling.errors import printable

TEXT_WIDTH = 120
VERDICTS = ("reproduced", "not reproduced", "undecided", "not run")
# The reason for an undecided verdict that the interval itself shows.
MARGIN_INSIDE = "the interval holds the margin"
LEGEND = (
    "Intervals of means are Student's, over runs; those of shares are Agresti and Coull's. With few runs they are far "
    "wider than the bootstrap intervals of the tables and findings. Tags say where a claim is from: [A] abstract, [B] "
    "a blog post, [S n] slide n of a talk, [L] a review."
)
SMALL = (
    "A small study illustrates the claims. It is no evidence for or against them at the size of the paper's main data "
    "set, CoNLL-2003 with 14,041 training sentences."
)


def printed(claims: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    """Return the text of claims.txt, from the table `claims` and the study's other tables by name."""
    all_cells = cells(claims)
    widths = [max(map(len, column)) for column in zip(*all_cells, strict=True)]
    lines = [*textwrap.wrap(scale(tables), TEXT_WIDTH), "", tally(claims), "", *textwrap.wrap(LEGEND, TEXT_WIDTH)]
    for name, rows in claims.groupby("claim", sort=False):
        verdict = f"{rows['overall'].iloc[0]:<{max(map(len, VERDICTS))}}  "
        indent = " " * len(verdict)
        lines.append("")
        for text, first in ((f"{words(rows)} ({name})", verdict), (test(rows), indent)):
            lines += textwrap.wrap(
                text, TEXT_WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
            )
        for row in (all_cells[index] for index in rows[rows["verdict"] != "not run"].index):
            padded = (
                f"{cell:>{width}}" if right else f"{cell:<{width}}"
                for cell, width, right in zip(row, widths, RIGHT_ALIGNED, strict=True)
            )
            lines.append(f"  {'  '.join(padded)}".rstrip())
    return printable("\n".join(lines)) + "\n"


TITLES = ("Verdict", "Effect", "95 % interval", "n", "Data set", "System", "Where")
RIGHT_ALIGNED = (False, True, True, True, False, False, False)


def cells(claims: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the cells of each row, one for each of TITLES."""
    rows: list[tuple[str, ...]] = []
    for _, row in claims.iterrows():
        signed = "+" if row["statistic"] == "slope" or pd.notna(row["against"]) or row["margin"] < 0 else ""
        effect, interval = "", ""
        if pd.notna(row["mean"]):
            effect = f"{row['mean']:{signed}.3f}"
            interval = f"[{row['low']:{signed}.3f}, {row['high']:{signed}.3f}]" if pd.notna(row["low"]) else "none"
        system = " less ".join(row[name] for name in ("system", "against") if pd.notna(row[name]))
        dataset, setting = ("" if pd.isna(row[name]) else str(row[name]) for name in ("dataset", "setting"))
        if pd.notna(row["reason"]) and row["reason"] != MARGIN_INSIDE:
            setting += f" ({row['reason']})"
        rows.append((row["verdict"], effect, interval, f"n={row['n']}", dataset, system, setting))
    return rows


def words(claim: pd.DataFrame) -> str:
    """Return a claim's text and source, and the published number if there is one to be quoted."""
    row = claim.iloc[0]
    published = f" (published: {row['published']:g})" if pd.notna(row["published"]) else ""
    return f"{row['text']} {row['source']}{published}"


def test(claim: pd.DataFrame) -> str:
    """Say what is measured, what it must be, and how many settings got which verdict; or why the claim was not run."""
    row = claim.iloc[0]
    if row["overall"] == "not run":
        return f"{row['effect']}: {row['reason']}"
    margin = f"{'±' if row['direction'] == 'within' else ''}{row['margin']:g}"
    counts = claim["verdict"].value_counts()
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    return f"{row['effect']}, {row['direction']} {margin}: {how_many(len(claim), 'setting')}, {verdicts}"


def tally(claims: pd.DataFrame) -> str:
    """Say how many claims have which verdict."""
    counts = claims.drop_duplicates("claim")["overall"].value_counts()
    return "Claims: " + ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in VERDICTS) + "."


def scale(tables: dict[str, pd.DataFrame]) -> str:
    """Say how large the study is, and that a small one is no evidence."""
    runs = tables["measures"][["dataset", "treatment", "noise_seed", "system", "seed"]].drop_duplicates()
    systems = tables["systems"][tables["systems"]["system"].isin(runs["system"])]
    groups = tables["datasets"].set_index("dataset")["group"]
    sizes = tables["treatments"].groupby("dataset")["sentences"].max()
    data = ", ".join(f"{name} ({size:,} training {groups[str(name)]}s)" for name, size in sizes.items())
    seeds = runs.groupby(["dataset", "treatment", "system"])["seed"].nunique()
    number = f"{how_many(len(runs), 'run')} of {how_many(len(systems), 'system')}"
    return f"Scale: {number} on {data}; {range_of(systems['epochs'], 'epoch')}; {range_of(seeds, 'seed')}. {SMALL}"


def range_of(numbers: "pd.Series[int]", what: str) -> str:
    """Return the range of some numbers in words: `2 to 5 seeds`, say."""
    if numbers.empty:
        return f"no {what}"
    low, high = int(numbers.min()), int(numbers.max())
    return how_many(high, what) if low == high else f"{low} to {high} {what}s"


def how_many(number: int, what: str) -> str:
    """Return a number of things in words: `1 run`, `2 runs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
