"""Parquet files of a data set on the Hugging Face hub."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from settling.data import hub_files
from settling.data.sources.source import HASHES, Hashes, Shard, Source
from settling.errors import BadInput
from settling.validation import GitId, HubRepo


class HubSource(Source):
    """Parquet files of a Hugging Face dataset repository at a pinned revision. No code of it runs."""

    kind: Annotated[Literal["hub"], Field(description="Parquet files of a Hugging Face dataset repository.")]
    repo: HubRepo = Field(description="The repository, as `owner/name`.")
    revision: GitId = Field(description="A commit id of the repository (40 hexadecimal digits).")
    sha256: Hashes = HASHES

    def origin(self, shard: Shard) -> str:
        """Return the file's address on the hub."""
        return hub_files.address(self.repo, "dataset", self.revision, shard.name)

    def fetch(self, shard: Shard, folder: Path) -> Path:
        """Download the file; raise BadInput where it cannot be had or is not Parquet."""
        if not shard.name.endswith(".parquet"):
            raise BadInput(
                f"{self.repo}: found the file {shard.name!r}, expected a .parquet file: no code of a hub runs"
            )
        return hub_files.fetch_file(self.repo, "dataset", self.revision, shard.name, folder)


SOURCE = HubSource
