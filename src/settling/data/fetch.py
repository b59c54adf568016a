"""Fetching a data set's raw files and checking their hashes, wherever they are from."""

import os
from pathlib import Path

from settling.data.sources.source import Shard, Source
from settling.errors import BadInput
from settling.provenance import git_blob, sha256

# What computes the hash that a source declares under each key.
HASH_FUNCTIONS = {"sha256": sha256, "git_blob": git_blob}


# The variable that names a folder of files that were downloaded before.
FOLDER_VARIABLE = "SETTLING_FILES"


def fetch(source: Source, folder: Path) -> dict[str, Path]:
    """Return each raw file by its label, its hash checked. What is not on this machine is downloaded to `folder`.

    A file of the declared hash that lies anywhere under the folder that SETTLING_FILES names is read there instead.
    Raises BadInput, one line, where a file cannot be had or is not the one declared; it is then not kept.
    """
    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    for shard in source.shards():
        if (kept := _kept(source, shard)) is not None:
            paths[shard.label] = kept
            continue
        path = paths[shard.label] = source.fetch(shard, raw)
        for key, hash_of in HASH_FUNCTIONS.items():
            expected = source.declared(key, shard)
            if expected and (actual := hash_of(path)) != expected:
                if not source.keeps_files:
                    path.resolve().unlink()
                raise BadInput(f"{source.origin(shard)}: found {key} {actual}, expected {expected}")
    return paths


def _kept(source: Source, shard: Shard) -> Path | None:
    """Return the user's own copy of a file, which is known by its hash alone; None where there is none."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    declared = {key: value for key in HASH_FUNCTIONS if (value := source.declared(key, shard))}
    if not named or not declared or source.keeps_files:
        return None
    if not Path(named).is_dir():
        raise BadInput(f"{FOLDER_VARIABLE}: {named} is no folder; expected one with files that were downloaded before")
    for path in sorted(path for path in Path(named).rglob("*") if path.is_file()):
        if all(HASH_FUNCTIONS[key](path) == value for key, value in declared.items()):
            return path
    return None
