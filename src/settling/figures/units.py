"""Captions speak of what carries a label in the data sets that a figure shows: of words, of images, or of both.

The texts of figures are written about words. Here `word` in them becomes the unit that the data sets' task names.
"""

import re
from typing import Any

from settling.figures.needs import Needs
from settling.figures.selection import Tables

WORD = re.compile(r"\b(?:(?P<article>[Aa]) )?(?P<first>[Ww])ord(?P<plural>s?)\b(?!-)")


def units_of(tables: Tables, needs: Needs) -> list[str]:
    """Return the units of the data sets that a figure with these needs is about, sorted; `word` where there are none.

    `tables` has the rows that it shows. Data sets with clean training alone do not count where it is about another.
    """
    shown: set[str] = set()
    for name, frame in tables.items():
        if name == "datasets" or "dataset" not in frame:
            continue
        if needs.treatment and "family" in frame:
            frame = frame[frame["family"] == needs.treatment]
        shown.update(frame["dataset"])
    datasets = tables["datasets"]
    return sorted(set(datasets.loc[datasets["dataset"].isin(shown), "unit"])) or ["word"]


def in_units(content: Any, units: list[str]) -> Any:
    """Return texts, or plain data that holds texts, with these units in place of words.

    Only strings with a space count as texts, so that names of columns stay as they are.
    """
    if units == ["word"]:
        return content
    if isinstance(content, dict):
        return {key: in_units(value, units) for key, value in content.items()}
    if isinstance(content, list):
        return [in_units(value, units) for value in content]
    if isinstance(content, str) and " " in content:
        return WORD.sub(lambda found: _named(found, units), content)
    return content


def _named(found: re.Match[str], units: list[str]) -> str:
    """Return the units as they stand in place of a match of WORD."""
    text = " or ".join(f"{unit}{found['plural']}" for unit in units)
    if found["article"]:
        return f"{found['article']}{'n' if text[0] in 'aeiou' else ''} {text}"
    return text.capitalize() if found["first"] == "W" else text
