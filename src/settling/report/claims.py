"""The claims as the report shows them."""

import re
from typing import Any

import pandas as pd

from settling.claims import text as claims_text

SOURCES = {
    "A": "the abstract",
    "I": "the introduction",
    "L": "a review",
    "B": "a blog post on the paper",
    "S": "slides on the paper, {}",
    "C": "the authors' code, {}",
    "M": "measured",
    "R": "recollection, not confirmed",
}
TAG = re.compile(r"\[([AILBSCMR])([^\[\]]*)\]")
TAG_GROUP = re.compile(rf"(?:{TAG.pattern}\s*)+")


def claims_content(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the claims that were run, what is decided first, from rows of the schema `claims`.

    `places` are all places in which a claim was tested; `deciding` is the first of them that has the claim's verdict.
    """
    entries = []
    for rows in claims_text.in_order(claims):
        first = rows.iloc[0]
        cells = [dict(zip(claims_text.TITLES, row, strict=True)) for row in claims_text.cells(rows)]
        entries.append(
            {
                "name": str(first["claim"]),
                "verdict": str(first["overall"]),
                "text": str(first["text"]),
                "source": sourced(str(first["source"])).strip("()"),
                "published": None if pd.isna(first["published"]) else f"{first['published']:g}",
                "test": claims_text.test(rows),
                "deciding": next(cell for cell in cells if cell["Verdict"] == first["overall"]),
                "places": cells,
            }
        )
    return entries


def claims_in_order(claims: pd.DataFrame, datasets: pd.DataFrame) -> tuple[list[dict[str, Any]], str | None]:
    """Return the claims that were run, what is decided first, and a line that names the others.

    The line is None where there is nothing to name. `datasets` is the table of that name.
    """
    return claims_content(claims), claims_text.not_asked(claims, datasets)


def sourced(text: str) -> str:
    """Return text in which words in parentheses replace source tags such as `[B][S3-6]`."""

    def spelt(match: re.Match[str]) -> str:
        words = [SOURCES[kind].format(where.strip()) for kind, where in TAG.findall(match[0])]
        return f"({'; '.join(words)})"

    return TAG_GROUP.sub(spelt, text)
