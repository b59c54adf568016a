"""Files fetched by URL."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from settling.data.messages import one_line
from settling.data.sources.source import HASHES, GitBlobs, Hashes, Shard, Source
from settling.errors import BadInput


class UrlSource(Source):
    """Files fetched by URL, each pinned by `sha256` or by `git_blob`."""

    kind: Annotated[Literal["url"], Field(description="Files fetched by URL.")]
    sha256: Hashes = HASHES
    git_blob: GitBlobs = Field({}, description="In place of `sha256`: the id that git gives the content.")

    @model_validator(mode="after")
    def _pinned(self) -> "UrlSource":
        for part in self.unpinned():
            if part not in self.git_blob or not isinstance(self.files[part], str):
                raise ValueError(f"{part} has no sha256; a file fetched by URL must be pinned by its hash")
        return self

    def fetch(self, shard: Shard, folder: Path) -> Path:
        """Download the file; raise BadInput where that fails. Its hash is checked afterwards, as for every source."""
        import pooch

        target = folder / shard.label
        pooch.get_logger().setLevel("WARNING")
        try:
            pooch.retrieve(shard.name, known_hash=None, fname=target.name, path=target.parent)
        except (OSError, ValueError) as error:
            raise BadInput(f"{shard.name}: download failed: {one_line(error)}") from None
        return target


SOURCE = UrlSource
