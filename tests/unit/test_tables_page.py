"""docs/tables.md describes every table and column that settling writes, and no other."""

import re

import pytest

from settling.schemas import SCHEMAS
from tests.conftest import ROOT

SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
COLUMN = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.MULTILINE)
GROUPS = ("treatment", "run", "score", "estimate", "detector", "histogram")

SECTIONS = dict(SECTION.findall((ROOT / "docs" / "tables.md").read_text()))


def test_every_table_has_a_section_and_no_section_is_about_another() -> None:
    assert SECTIONS.keys() == {*SCHEMAS, *GROUPS}


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_of_a_table_is_described_once_and_no_other(table: str) -> None:
    shared = re.search(r"shared columns ((?:\w+, )*\w+)[.,]", SECTIONS[table])
    names = [*(shared[1].split(", ") if shared else []), table]
    columns = [column for name in names if name in SECTIONS for column in COLUMN.findall(SECTIONS[name])]
    assert sorted(name for name, _ in columns) == sorted(SCHEMAS[table].names)
    assert all(meaning.strip() for _, meaning in columns)
