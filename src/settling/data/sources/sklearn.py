"""Images that come with scikit-learn."""

import importlib.resources
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from settling.data.sources.source import Shard, Source


class SklearnSource(Source):
    """Images that come with scikit-learn: 1,797 handwritten digits, grey, 8 x 8."""

    kind: Annotated[Literal["sklearn"], Field(description="Images that come with scikit-learn.")]
    name: Literal["digits"] = Field(description="1,797 handwritten digits, grey, 8 x 8.")
    files: dict[Literal["all"], Literal["digits.csv.gz"]] = Field(  # type: ignore[assignment]
        {"all": "digits.csv.gz"}, description="Nothing to say: the file in the package `sklearn.datasets.data`."
    )
    keeps_files: ClassVar[bool] = True

    def origin(self, shard: Shard) -> str:
        """Return the file's place in scikit-learn."""
        return f"scikit-learn/{shard.name}"

    def fetch(self, shard: Shard, folder: Path) -> Path:
        """Return the file in its place."""
        return Path(str(importlib.resources.files("sklearn.datasets.data") / shard.name))


SOURCE = SklearnSource
