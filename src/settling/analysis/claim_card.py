"""The claims and their verdicts as text for a terminal, and as the opening page of the report."""

import re
import textwrap

import pandas as pd

WIDTH = 120
VERDICTS = ("reproduced", "not reproduced", "undecided", "not run")
INTRODUCTION = """\
This study measures how a model learns a labelled data set: what it generalises first (*fitting*), what it then leaves
alone (*settling*), and what it memorises last (*memorisation*), when some labels are wrong or a class is scarce. It
reproduces the experiments of Tänzer, Ruder and Rei, "Memorisation versus Generalisation in Pre-trained Language
Models" (ACL 2022), on the data sets, models and treatments that its configuration names.
"""
# Snakemake's page is 32rem wide and centres what it opens with, which hides the top of what is longer than the window.
STYLE = """\
.. raw:: html

   <style>
   .overflow-auto:has(> .grow .prose) { align-items: flex-start }
   .prose { max-width: 72rem }
   </style>
"""
READING = """\
A claim is *reproduced* where the 95 % interval of its effect over runs lies wholly on the claimed side of the margin,
*not reproduced* where it lies wholly on the other, and *undecided* where it holds the margin or there is but one run.
A claim tested in several places fails where it fails in one.
"""
SMALL = (
    "A small study illustrates the claims; it is no evidence for or against them at the size of the paper's main data "
    "set, CoNLL-2003 with 14,041 training sentences."
)


def printed(claims: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    """Return the card as text; `claims` follows the schema of that name, `tables` are the study's, by name."""
    places = cells(claims)
    widths = [max(map(len, column)) for column in zip(*places, strict=True)]
    lines = [*textwrap.wrap(scale(tables), WIDTH), "", tally(claims)]
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
    return "\n".join(lines) + "\n"


def opening(claims: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    """Return the report's opening page: reStructuredText in a Jinja template, as Snakemake reads it."""
    verdicts: list[tuple[str, ...]] = [
        (rows["overall"].iloc[0], words(rows), test(rows), str(name))
        for name, rows in claims.groupby("claim", sort=False)
    ]
    run = claims[claims["verdict"] != "not run"]
    places: list[tuple[str, ...]] = [(*row, str(name)) for row, name in zip(cells(run), run["claim"], strict=True)]
    parts = [
        STYLE,
        INTRODUCTION,
        inert(scale(tables)) + "\n",
        inert(tally(claims)) + "\n",
        list_table(("Verdict", "Claim", "Test", "Called"), "12 40 33 15", verdicts),
        READING,
        list_table((*TITLES, "Claim"), "auto", places),
    ]
    return "\n".join(part for part in parts if part)


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
        return str(row["reason"])
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
    runs = tables["measures"][["dataset", "treatment", "draw", "system", "seed"]].drop_duplicates()
    cards = tables["systems"][tables["systems"]["system"].isin(runs["system"])]
    images = set(runs.loc[runs["system"].isin(cards.loc[cards["kind"] == "image", "system"]), "dataset"])
    sizes = tables["treatments"].groupby("dataset")["sentences"].max()
    data = ", ".join(
        f"{name} ({size:,} training {'images' if name in images else 'sentences'})" for name, size in sizes.items()
    )
    seeds = runs.groupby(["dataset", "treatment", "system"])["seed"].nunique()
    number = f"{counted(len(runs), 'run')} of {counted(len(cards), 'system')}"
    return f"Scale: {number} on {data}; {span(cards['epochs'], 'epoch')}; {span(seeds, 'seed')}. {SMALL}"


def span(numbers: "pd.Series[int]", what: str) -> str:
    """Return the range of some numbers in words."""
    low, high = int(numbers.min()), int(numbers.max())
    return counted(high, what) if low == high else f"{low} to {high} {what}s"


def counted(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def list_table(titles: tuple[str, ...], widths: str, rows: list[tuple[str, ...]]) -> str:
    """Return rows as a table in reStructuredText, all text inert; nothing where there are no rows."""
    if not rows:
        return ""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (titles, *rows):
        bullets = ("   * - ", *["     - "] * (len(row) - 1))
        lines += [f"{bullet}{inert(cell)}".rstrip() for bullet, cell in zip(bullets, row, strict=True)]
    return "\n".join(lines) + "\n"


def inert(text: str) -> str:
    """Return text that reStructuredText within a Jinja template shows as it is, on one line."""
    escaped = re.sub(r"([^\w\s]|_)", r"\\\1", " ".join(text.split()))
    return escaped.replace("{", "{{ '{' }}")
