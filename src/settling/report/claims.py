"""The claims as the report shows them: a card each, its places folded away."""

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
TAGS = re.compile(rf"(?:{TAG.pattern}\s*)+")


def cards(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the claims in order (schema `claims`): verdict, words, the place that shows it best, and all places."""
    found = []
    for name, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        cells = [dict(zip(claims_text.TITLES, row, strict=True)) for row in claims_text.cells(rows)]
        run = first["overall"] != "not run"
        shown = next((cell for cell in cells if cell["Verdict"] == first["overall"]), cells[0])
        found.append(
            {
                "name": str(name),
                "verdict": str(first["overall"]),
                "text": str(first["text"]),
                "source": sourced(str(first["source"])).strip("()"),
                "published": None if pd.isna(first["published"]) else f"{first['published']:g}",
                "test": claims_text.test(rows),
                "shown": shown if run else None,
                "places": cells if run else [],
            }
        )
    return found


def sourced(text: str) -> str:
    """Return text with its source tags, such as `[B][S3-6]`, in words and in parentheses."""

    def spelt(match: re.Match[str]) -> str:
        words = [SOURCES[kind].format(where.strip()) for kind, where in TAG.findall(match[0])]
        return f"({'; '.join(words)})"

    return TAGS.sub(spelt, text)
