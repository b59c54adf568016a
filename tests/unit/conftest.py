"""How the tests of a small study look into its tables."""

from pathlib import Path

import pytest

from tests.unit.small_study import Pick, rows_of


@pytest.fixture
def pick(tables: Path) -> Pick:
    """Return a function that gives the rows of a table that hold the given values; the module makes `tables`."""
    return lambda name, **values: rows_of(tables, name, **values)
