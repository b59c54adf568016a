"""Writing files so that nothing half-written is ever seen under its name, and reading JSON."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from settling.errors import BadInput, cut, one_line

# How long a process may go on after the one that replaces it has begun.
WAIT_SECONDS = 120


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` on success, remove it on failure.

    Raises BadInput where `path` is something else than a file: a rename would replace a device. An error of the disk
    that names no file is raised with the name of `path`.
    """
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: found a {'folder' if path.is_dir() else 'device'}, expected a file or nothing")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with naming(path):
            yield part
            put(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` to prepare in it what will stand at `path`; remove it at the end.

    Its name is always the same, so that what a killed process left there is gone once the next has begun. An error of
    the disk that names no file is raised with the name of `path`.
    """
    folder = path.with_name(f".{path.name}.scratch")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    try:
        with naming(path):
            yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def claimed(path: Path, stop: Callable[[], bool] | None = None) -> Iterator[None]:
    """Keep every other process from making what stands at `path`.

    Where one is making it, wait until that has ended: what a killed Snakemake had begun goes on for a moment, and so
    does a job that a cluster has requeued. Raises BadInput where it does not end soon, or where `stop` says to wait no
    longer.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    made = [folder for folder in path.parents if not folder.exists()]
    while not lock.is_locked:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Where the one that is waited for takes its folder away with it, there is nothing to wait for.
            with contextlib.suppress(FileNotFoundError):
                lock.acquire(timeout=WAIT_SECONDS, cancel_check=stop)
        except Timeout:
            held = lock.lock_file
            raise BadInput(f"{path}: another process is making it (it holds {held}); wait for it or stop it") from None
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
    try:
        yield
    finally:
        # While the lock is held, so that whoever waits for it finds its file gone and makes another.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        # Nothing is left where nothing was made; a folder with something in it stays.
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give the name of `path` to an error of the disk that names no file, as one of a full disk often does."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def put(source: Path, path: Path) -> None:
    """Rename a file to `path`, so that after a power cut the whole file is there, or what was there before."""
    sync(source)
    os.replace(source, path)
    # Not every disk can do that to a folder; then the rename may be lost, but not half of it.
    with contextlib.suppress(OSError):
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text in one step."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def as_json(value: Any) -> str:
    """Return indented JSON with sorted keys."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with sorted keys in one step."""
    write_text(path, as_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file; raise BadInput where it is missing or is not JSON."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    return parse_json(content, str(path))


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return what a file holds; raise BadInput where it is missing or larger."""
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    if len(content) > max_bytes:
        raise BadInput(f"{path}: found more than {max_bytes} bytes, expected at most so many")
    return content


def parse_json(content: str | bytes, where: str) -> Any:
    """Return what JSON, as text or in UTF-8, holds; raise BadInput, `where` first, for anything else."""
    try:
        return json.loads(content if isinstance(content, str) else content.decode("utf-8"))
    except RecursionError:
        raise BadInput(f"{where}: not JSON (nested too deeply)") from None
    except ValueError as error:
        raise BadInput(f"{where}: not JSON ({cut(one_line(str(error)))})") from None
