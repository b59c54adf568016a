"""How the tests of a small study look into its tables, and CoNLL-2003 where it is at hand."""

from pathlib import Path

import pytest

from settling.data.dataset import download_dataset
from tests.conftest import SHARED
from tests.unit.small_study import Pick, rows_of


@pytest.fixture
def pick(tables: Path) -> Pick:
    """Return a function that gives the rows of a table that hold the given values; the module makes `tables`."""
    return lambda name, **values: rows_of(tables, name, **values)


@pytest.fixture(scope="session")
def conll(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the training split of CoNLL-2003."""
    folder = SHARED / "conll2003"
    if not folder.is_dir():
        pytest.skip(f"CoNLL-2003 is not at {folder}")
    output = tmp_path_factory.mktemp("conll")
    names = {"train": "train", "dev": "dev", "test": "test_conllpp"}
    files = {part: str(folder / f"{name}.txt") for part, name in names.items()}
    source = {"kind": "local", "files": files}
    download_dataset({"source": source, "columns": ["token", "pos", "chunk", "tag"]}, output / "conll")
    return output / "conll" / "train.parquet"
