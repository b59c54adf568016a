"""docs/config.md and the editor's schema say of every key what the code says, and of every kind."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from docs.config_tables import BLOCK, PAGE, with_tables
from settling.config import json_schema
from settling.data.sources import SOURCES, source_of
from settling.systems import KINDS as SYSTEMS
from settling.systems import kind_of as system_kind
from settling.treatments import KINDS as TREATMENTS
from settling.treatments import kind_of as treatment_kind


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    assert with_tables(PAGE.read_text()) == PAGE.read_text(), "run python docs/config_tables.py"


@pytest.mark.parametrize(
    "keys",
    [
        *map(source_of, SOURCES),
        *(system_kind(name).recipe for name in SYSTEMS),
        *(kind.keys for kind in map(treatment_kind, TREATMENTS) if kind.keys),
    ],
    ids=lambda keys: keys.__name__,
)
def test_every_kind_has_a_table(keys: type) -> None:
    assert f"{keys.__module__}:{keys.__name__}" in {block[2] for block in BLOCK.finditer(PAGE.read_text())}


def undescribed(schema: Any, where: str = "") -> Iterator[str]:
    """Yield the keys of a JSON Schema that have no description."""
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            if not value.get("description"):
                yield f"{where}/{key}"
        for key, value in schema.items():
            yield from undescribed(value, f"{where}/{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from undescribed(value, f"{where}/{number}")


def test_the_schema_describes_every_key() -> None:
    assert list(undescribed(yaml.safe_load(json_schema()))) == []


def test_a_description_is_whole_sentences() -> None:
    schema = yaml.safe_load(json_schema())
    for model in schema["$defs"].values():
        for key, value in model.get("properties", {}).items():
            text = value["description"]
            assert re.match(r"[A-Z0-9`]", text), key
            assert text.endswith((".", ".)")), key
