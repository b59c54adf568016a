"""Writing and reading artifact.zip. An artifact may come from anyone: what is read here is not trusted.

Nothing but regular files with the names of a study's files leaves a zip, no more bytes than a zip of its size honestly
holds, and tables only under their schemas. Nothing in it is run.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.artifact.cards import Card, DataCard, RunCard, check_card
from settling.data.foreign import FREE_BYTES, MAX_RATIO, check_size
from settling.errors import BadInput
from settling.files import as_json, metadata_of, naming, open_table, replacing
from settling.model import MAX_EPOCHS
from settling.schemas import SCHEMAS

MANIFEST = "manifest.json"
FORMAT = 1
# Bytes of a JSON file, which is read whole.
MAX_JSON = 64 * 2**20
MAX_FILES = 500_000
# The first day that a zip can tell, so that the same files give the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)
CHUNK = 2**20
# What the numbers and names of a stranger may raise in code that expects settling's.
FOREIGN = (
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
    pa.ArrowException,
)

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# Before ~ is what can be read of a class, after it a hash (settling.treatments.scarcity.slug).
_TREATMENT = r"[A-Za-z0-9][A-Za-z0-9._~-]*"
_SPLIT = rf"{_NAME}/{_TREATMENT}/noise-seed\d+"
_RUN = rf"{_SPLIT}/{_NAME}/seed\d+"
CARDS: dict[str, type[Card]] = {rf"runs/{_RUN}/run\.json": RunCard, rf"data/{_NAME}/card\.json": DataCard}
# Read a row group at a time.
STREAMED = ("dynamics",)
# What an artifact may hold, and the schema of each kind of table; that of tables/NAME.parquet is NAME.
TABLES = {
    rf"treated/{_SPLIT}\.parquet": "treated",
    rf"runs/{_RUN}/dynamics\.parquet": "dynamics",
    rf"runs/{_RUN}/scores\.parquet": "scores",
    rf"events/{_RUN}\.parquet": "events",
    rf"detectors/{_RUN}/detectors\.parquet": "detectors",
    rf"detectors/{_RUN}/losses\.parquet": "losses",
    r"claims/claims\.parquet": "claims",
    **{rf"tables/{name}\.parquet": name for name in SCHEMAS},
}
OTHERS = (
    r"manifest\.json|ro-crate-metadata\.json|config\.json|claims\.json|requirements\.lock|Snakefile|README\.md|findings\.txt"
    rf"|data/{_NAME}/card\.json|runs/{_RUN}/run\.json|claims/claims\.txt|figures/{_NAME}\.(?:json|svg)"
    r"|figures/not_drawn\.txt"
)


def write(path: Path, files: Mapping[str, Path | bytes], about: Mapping[str, Any]) -> None:
    """Write an artifact in one step: files by their names in it, and a manifest of `about` and their SHA-256.

    The same files give the same bytes.
    """
    hashes = {}
    with replacing(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name in sorted(files):
            source = files[name]
            content = source if isinstance(source, bytes) else source.read_bytes()
            hashes[name] = hashlib.sha256(content).hexdigest()
            _add(archive, name, content)
        _add(archive, MANIFEST, as_json({"format": FORMAT, **about, "files": hashes}).encode())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    # Tables are packed already.
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".parquet") else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def read(path: Path, name: str) -> tuple[dict[str, Any], Any]:
    """Return an artifact's manifest and what a JSON file in it holds.

    Raises BadInput for an artifact that is not safe to read, or lacks either.
    """
    with opened(path) as (archive, entries):
        return _manifest(path, archive, entries), _json(path, archive, entries, name)


def unpack(path: Path, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Write the files of an artifact to the empty `folder`; return the manifest, and the files that are not as it says.

    Raises BadInput for an artifact that is not safe to read; what lies in the folder then is of no use.
    """
    with opened(path) as (archive, entries):
        manifest = _manifest(path, archive, entries)
        size, free = sum(entry.file_size for entry in entries.values()), shutil.disk_usage(folder).free
        if size > free:
            raise BadInput(f"{path}: holds {size} bytes; {folder} has room for {free}")
        hashes = {name: _extract(path, archive, entry, folder / name) for name, entry in entries.items()}
    del hashes[MANIFEST]
    listed = manifest["files"]
    altered = [name for name in sorted(hashes.keys() | listed) if hashes.get(name) != listed.get(name)]
    for name in hashes:
        _check(path, name, folder / name)
    return manifest, altered


def refuse_altered(path: Path, altered: list[str]) -> None:
    """Raise BadInput where `unpack` has found files of the artifact that are not as its manifest says."""
    if altered:
        raise BadInput(f"{path}: {altered[0]}: not what the manifest's hash is of; see `settling verify`")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open an artifact and yield it with its entries by name, all harmless; raise BadInput where one is not."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _entries(path, archive)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: found a folder, expected an artifact, which is a zip") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, UnicodeError) as error:
        with path.open("rb") as file:
            cut = file.read(4) == b"PK\3\4"
        what = "cut short or damaged" if cut else "not a zip"
        raise BadInput(f"{path}: {what} ({shown(str(error))})") from None


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of a zip by name; raise BadInput where one is not what an artifact may hold."""
    listed = archive.infolist()
    if len(listed) > MAX_FILES:
        raise BadInput(f"{path}: found {len(listed)} files, expected at most {MAX_FILES}")
    entries: dict[str, zipfile.ZipInfo] = {}
    names: set[str] = set()
    for entry in listed:
        name, mode = entry.orig_filename, entry.external_attr >> 16
        where = f"{path}: {shown(name)}"
        if not re.fullmatch("|".join([OTHERS, *TABLES]), name):
            raise BadInput(f"{where}: not the name of a file of an artifact")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise BadInput(f"{where}: found a link or device, expected a file")
        if entry.flag_bits & 1:
            raise BadInput(f"{where}: encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{where}: packed by method {entry.compress_type}, expected deflate or none")
        # Some disks do not tell cases apart.
        if name.casefold() in names:
            raise BadInput(f"{where}: there twice")
        names.add(name.casefold())
        entries[name] = entry
    size, limit = sum(entry.file_size for entry in listed), MAX_RATIO * path.stat().st_size + FREE_BYTES
    if size > limit:
        raise BadInput(f"{path}: says that it holds {size} bytes; one of its size holds at most {limit}")
    return entries


def _manifest(path: Path, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> dict[str, Any]:
    """Return the manifest; raise BadInput where it is not one, or of another format."""
    manifest = _json(path, archive, entries, MANIFEST)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise BadInput(f"{path}: {MANIFEST}: no table `files` of hashes")
    if manifest.get("format") != FORMAT:
        raise BadInput(f"{path}: {MANIFEST}: found format {shown(str(manifest.get('format')))}, expected {FORMAT}")
    return dict(manifest)


def _json(path: Path, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str) -> Any:
    if name not in entries:
        raise BadInput(f"{path}: lacks {name}; expected an artifact of settling")
    _bounded(path, entries[name])
    return _parsed(f"{path}: {name}", archive.read(entries[name]))


def _bounded(path: Path, entry: zipfile.ZipInfo) -> None:
    if entry.filename.endswith(".json") and entry.file_size > MAX_JSON:
        raise BadInput(f"{path}: {entry.filename}: {entry.file_size} bytes, expected at most {MAX_JSON}")


def _parsed(where: str, content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON ({shown(str(error))})") from None


def _extract(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    """Write an entry to `target` and return its SHA-256."""
    _bounded(path, entry)
    target.parent.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256()
    # It ends, or fails, at the size that the entry says, so no more is written than was allowed.
    with archive.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(CHUNK):
            found.update(chunk)
            file.write(chunk)
    return found.hexdigest()


def _check(path: Path, name: str, file: Path) -> None:
    """Raise BadInput where an unpacked file is not what its name says."""
    if name.endswith(".json"):
        value = _parsed(f"{path}: {name}", file.read_bytes())
        for pattern, model in CARDS.items():
            if re.fullmatch(pattern, name):
                check_card(f"{path}: {name}", model, value)
    schema = next((schema for pattern, schema in TABLES.items() if re.fullmatch(pattern, name)), None)
    if schema is None:
        return
    try:
        with open_table(file, schema) as table:
            epochs = metadata_of(table.schema_arrow).get("epochs", 0)
    except BadInput as error:
        raise BadInput(f"{path}: {name}{str(error).removeprefix(str(file))}") from None
    except (ValueError, AttributeError) as error:
        raise BadInput(f"{path}: {name}: its metadata is not settling's ({shown(str(error))})") from None
    if not isinstance(epochs, int) or not 0 <= epochs <= MAX_EPOCHS:
        raise BadInput(f"{path}: {name}: found {shown(str(epochs))} epochs, expected at most {MAX_EPOCHS}")
    check_size(file, f"{path}: {name}", SCHEMAS[schema].names, by_group=schema in STREAMED)


def shown(text: str) -> str:
    """Return foreign text as it can be shown in a message: in one line, its odd characters escaped, not too long."""
    escaped = ascii(text)[1:-1]
    return escaped if len(escaped) <= 100 else f"{escaped[:97]}..."


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, dict[str, Any], list[str]]]:
    """Yield a temporary folder of an artifact's files, the manifest, and the files that are not as it says.

    What fails while they are read is the artifact's fault: raises BadInput, which names it and not the folder.
    """
    with temporary() as folder, blaming(path, folder):
        yield folder, *unpack(path, folder)


@contextlib.contextmanager
def blaming(path: Path, folder: Path) -> Iterator[None]:
    """Raise as BadInput, with the artifact's name, what goes wrong while its files in `folder` are read."""
    try:
        yield
    except BadInput as error:
        raise BadInput(str(error).replace(f"{folder}/", f"{path}: ")) from None
    except FOREIGN as error:
        said = shown(str(error).replace(f"{folder}/", ""))
        raise BadInput(f"{path}: holds what settling does not write ({type(error).__name__}: {said})") from error


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """Yield an empty folder for what is looked at and not kept; first remove those that killed processes left.

    Its name says whose it is, so that several may be at work at once.
    """
    place, mine = Path(tempfile.gettempdir()), f"settling.{socket.gethostname()}."
    for folder in [entry.path for entry in os.scandir(place) if entry.name.startswith(mine) and is_left(entry)]:
        shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{mine}{os.getpid()}.", dir=place) as name, naming(Path(name)):
        yield Path(name)


def is_left(entry: os.DirEntry[str]) -> bool:
    """Return whether a temporary folder is of a process of this user that has ended."""
    try:
        if entry.stat(follow_symlinks=False).st_uid != os.getuid():
            return False
        os.kill(int(entry.name.split(".")[-2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False
    return False
