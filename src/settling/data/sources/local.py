"""Files on this machine."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from settling.data.sources.source import HASHES, Hashes, Shard, Source
from settling.errors import BadInput


class LocalSource(Source):
    """Files on this machine, paths relative to where Snakemake is started. A changed file is read again."""

    kind: Annotated[Literal["local"], Field(description="Files on this machine.")]
    sha256: Hashes = HASHES
    keeps_files: ClassVar[bool] = True

    def fetch(self, shard: Shard, folder: Path) -> Path:
        """Return the file in its place; raise BadInput where there is none."""
        path = Path(shard.name)
        if not path.is_file():
            raise BadInput(f"{path}: no such file")
        return path


SOURCE = LocalSource
