"""The claims and their verdicts as text for a terminal, and in the words that the report takes over."""

import textwrap

import pandas as pd

from settling.errors import printable

WIDTH = 120
VERDICTS = ("reproduced", "not reproduced", "undecided", "not run")
CERTAIN = "the interval holds the margin"
LEGEND = (
    "Intervals are Student's over runs, of shares Agresti and Coull's: with few runs far wider than the bootstrap of "
    "the tables and findings. Tags say where a claim is from: [A] abstract, [B] a blog post, [S n] slide n of a talk, "
    "[L] a review."
)
SMALL = (
    "A small study illustrates the claims; it is no evidence for or against them at the size of the paper's main data "
    "set, CoNLL-2003 with 14,041 training sentences."
)


def printed(claims: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    """Return the card as text; `claims` follows the schema of that name, `tables` are the study's, by name."""
    places = cells(claims)
    widths = [max(map(len, column)) for column in zip(*places, strict=True)]
    lines = [*textwrap.wrap(scale(tables), WIDTH), "", tally(claims), "", *textwrap.wrap(LEGEND, WIDTH)]
    for name, rows in claims.groupby("claim", sort=False):
        verdict = f"{rows['overall'].iloc[0]:<{max(map(len, VERDICTS))}}  "
        indent = " " * len(verdict)
        lines.append("")
        for text, first in ((f"{words(rows)} ({name})", verdict), (test(rows), indent)):
            lines += textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
        for row in (places[index] for index in rows[rows["verdict"] != "not run"].index):
            padded = (
                f"{cell:>{width}}" if number else f"{cell:<{width}}"
                for cell, width, number in zip(row, widths, NUMBERS, strict=True)
            )
            lines.append(f"  {'  '.join(padded)}".rstrip())
    return printable("\n".join(lines)) + "\n"


TITLES = ("Verdict", "Effect", "95 % interval", "n", "Data set", "System", "Where")
NUMBERS = (False, True, True, True, False, False, False)


def cells(claims: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return what is said of each row, in the order of TITLES."""
    found: list[tuple[str, ...]] = []
    for _, row in claims.iterrows():
        signed = "+" if row["statistic"] == "slope" or pd.notna(row["against"]) or row["margin"] < 0 else ""
        effect, interval = "", ""
        if pd.notna(row["mean"]):
            effect = f"{row['mean']:{signed}.3f}"
            interval = f"[{row['low']:{signed}.3f}, {row['high']:{signed}.3f}]" if pd.notna(row["low"]) else "none"
        system = " less ".join(row[name] for name in ("system", "against") if pd.notna(row[name]))
        dataset, place = ("" if pd.isna(row[name]) else str(row[name]) for name in ("dataset", "place"))
        # That much shows in the interval.
        if pd.notna(row["reason"]) and row["reason"] != CERTAIN:
            place += f" ({row['reason']})"
        found.append((row["verdict"], effect, interval, f"n={row['n']}", dataset, system, place))
    return found


def words(claim: pd.DataFrame) -> str:
    """Return what a claim says, where it is from, and the published number where there is one to be quoted."""
    row = claim.iloc[0]
    published = f" (published: {row['published']:g})" if pd.notna(row["published"]) else ""
    return f"{row['text']} {row['source']}{published}"


def test(claim: pd.DataFrame) -> str:
    """Say what is measured, what it must be, and how the places fell that were tested; or why there are none."""
    row = claim.iloc[0]
    if row["overall"] == "not run":
        return f"{row['effect']}: {row['reason']}"
    margin = f"{'±' if row['direction'] == 'within' else ''}{row['margin']:g}"
    counts = claim["verdict"].value_counts()
    fell = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)
    return f"{row['effect']}, {row['direction']} {margin}: {counted(len(claim), 'place')}, {fell}"


def tally(claims: pd.DataFrame) -> str:
    """Say how many claims have which verdict."""
    counts = claims.drop_duplicates("claim")["overall"].value_counts()
    return "Claims: " + ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in VERDICTS) + "."


def scale(tables: dict[str, pd.DataFrame]) -> str:
    """Say how large the study is, and what that means."""
    runs = tables["measures"][["dataset", "treatment", "noise_seed", "system", "seed"]].drop_duplicates()
    cards = tables["systems"][tables["systems"]["system"].isin(runs["system"])]
    groups = tables["datasets"].set_index("dataset")["group"]
    sizes = tables["treatments"].groupby("dataset")["sentences"].max()
    data = ", ".join(f"{name} ({size:,} training {groups[str(name)]}s)" for name, size in sizes.items())
    seeds = runs.groupby(["dataset", "treatment", "system"])["seed"].nunique()
    number = f"{counted(len(runs), 'run')} of {counted(len(cards), 'system')}"
    return f"Scale: {number} on {data}; {span(cards['epochs'], 'epoch')}; {span(seeds, 'seed')}. {SMALL}"


def span(numbers: "pd.Series[int]", what: str) -> str:
    """Return the range of some numbers in words."""
    if numbers.empty:
        return f"no {what}"
    low, high = int(numbers.min()), int(numbers.max())
    return counted(high, what) if low == high else f"{low} to {high} {what}s"


def counted(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
