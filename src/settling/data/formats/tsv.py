"""TSV, which is CSV with tabs in place of commas, with a header: one word a row."""

from pathlib import Path
from typing import Any

from settling.data.formats.csv import read_rows
from settling.data.keys import Dataset
from settling.data.reading import Raw


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file whose columns are separated by tabs, as `settling.data.formats.csv` says."""
    return read_rows(path, dataset, where, "\t")
