"""What a kind of source says of itself, in its own file: its keys, what messages call a file, how to fetch one."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from settling.model import Model
from settling.validation import GitId, Sha256

Part = Literal["train", "dev", "test", "all"]
FileName = Annotated[str, Field(min_length=1)]
Files = FileName | Annotated[list[FileName], Field(min_length=1)]
Hashes = dict[Part, Sha256 | Annotated[list[Sha256], Field(min_length=1)]]
GitBlobs = dict[Part, GitId]
# What the key `sha256` of each source is for.
HASHES: Any = Field({}, description="The SHA-256 of each file, or a list of them.")


class Shard(NamedTuple):
    """One file of a source: the part it is of, its label in cards, its name, and its place in the part, from 0."""

    part: str
    label: str
    name: str
    place: int


class Source(Model):
    """Where a data set's files come from."""

    kind: str
    files: dict[Part, Files] = Field(
        description="The files: `all`, or `train` and `test`, or `train`, `dev` and `test`. Each is a file, or a list "
        "of files that follow one another."
    )
    # Whether a file with a wrong hash stays, as it is the user's own.
    keeps_files: ClassVar[bool] = False

    def origin(self, shard: Shard) -> str:
        """Return what messages call a file."""
        return shard.name

    def fetch(self, shard: Shard, folder: Path) -> Path:
        """Return a file, which is downloaded to `folder` where it is not on this machine.

        Raises BadInput where it cannot be had.
        """
        raise NotImplementedError

    @model_validator(mode="after")
    def _names_the_splits(self) -> "Source":
        if set(self.files) not in ({"all"}, {"train", "test"}, {"train", "dev", "test"}):
            named = ", ".join(sorted(self.files)) or "none"
            raise ValueError(f"files are {named}; expected all, or train and test, or train, dev and test")
        for part, hashes in getattr(self, "sha256", {}).items():
            if part not in self.files:
                raise ValueError(f"sha256 names {part}, which is not among the files")
            if len(_several(hashes)) != len(_several(self.files[part])):
                expected = f"{len(_several(self.files[part]))}, one for each file"
                raise ValueError(f"sha256 of {part} has {len(_several(hashes))} hashes; expected {expected}")
        return self

    def shards(self) -> list[Shard]:
        """Return the files in order, part by part."""
        return [
            Shard(part, part if isinstance(names, str) else f"{part}.{place}", name, place)
            for part, names in self.files.items()
            for place, name in enumerate(_several(names))
        ]

    def declared(self, key: str, shard: Shard) -> str | None:
        """Return the hash of a file that the source declares under a key; None where it declares none."""
        hashes: dict[str, Any] = getattr(self, key, {})
        return str(_several(hashes[shard.part])[shard.place]) if shard.part in hashes else None

    def unpinned(self) -> list[str]:
        """Return the parts without a SHA-256."""
        return [part for part in self.files if part not in getattr(self, "sha256", {})]


def _several(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values
