"""Fetching a data set's raw files and checking their hashes, wherever they are from."""

from pathlib import Path

from settling.data.sources.source import Source
from settling.errors import BadInput
from settling.provenance import git_blob, sha256

# What computes the hash that a source declares under each key.
HASH_FUNCTIONS = {"sha256": sha256, "git_blob": git_blob}


def fetch(source: Source, folder: Path) -> dict[str, Path]:
    """Return each raw file by its label, its hash checked. What is not on this machine is downloaded to `folder`.

    Raises BadInput, one line, where a file cannot be had or is not the one declared; it is then not kept.
    """
    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    for shard in source.shards():
        path = paths[shard.label] = source.fetch(shard, raw)
        for key, hash_of in HASH_FUNCTIONS.items():
            expected = source.declared(key, shard)
            if expected and (actual := hash_of(path)) != expected:
                if not source.keeps_files:
                    path.resolve().unlink()
                raise BadInput(f"{source.origin(shard)}: found {key} {actual}, expected {expected}")
    return paths
