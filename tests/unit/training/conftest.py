"""The tiny splits in memory, as a system takes them."""

from pathlib import Path

import pytest

from settling.data.split import Split, read_split, read_treated


@pytest.fixture(scope="session")
def splits(tiny_treated: Path, tiny_data: Path) -> dict[str, Split]:
    return {
        "train": read_treated(tiny_treated, tiny_data / "train.parquet"),
        "dev": read_split(tiny_data / "dev.parquet"),
        "test": read_split(tiny_data / "test.parquet"),
    }
