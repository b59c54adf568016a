"""Writing and reading artifact.zip. An artifact may come from anyone: what is read here is not trusted.

Nothing but regular files with the names of a study's files leaves a zip, no more bytes than a zip of its size honestly
holds, and tables only under their schemas. Nothing in it is run.
"""

import contextlib
import hashlib
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

from settling import layout
from settling.artifact.contents import BESIDE, TEXTS
from settling.artifact.records import DatasetCard, Record, RunRecord, check_record
from settling.data.foreign import FREE_BYTES, MAX_RATIO, check_size
from settling.errors import BadInput, cut, one_line, shown
from settling.files import as_json, naming, parse_json, replacing
from settling.layout import MANIFEST
from settling.model import MAX_EPOCHS
from settling.schemas import SCHEMAS
from settling.tables import metadata_of, open_table

FORMAT = 1
# Bytes of a JSON file, which is read whole.
MAX_JSON = 64 * 2**20
MAX_FILES = 500_000
# The first day that a zip can tell, so that the same files give the same bytes.
DATE = (1980, 1, 1, 0, 0, 0)
COPIED_AT_ONCE = 2**20
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

# The files an artifact may hold, as templates of settling.layout: tables, each with its schema; records, each with its
# model; and what else there is.
TABLES = {
    layout.TREATED: "treated",
    layout.DYNAMICS: "dynamics",
    layout.SCORES: "scores",
    layout.EVENTS: "events",
    layout.DETECTORS: "detectors",
    layout.LOSSES: "losses",
    layout.VERDICTS: "claims",
    **{layout.TABLE.format(table=name): name for name in (*layout.TABLES, "quotes")},
}
FIGURES = (layout.FIGURE_SPECIFICATION, layout.FIGURE_DRAWING)
RECORDS: dict[str, type[Record]] = {layout.RUN_RECORD: RunRecord, layout.DATASET_CARD: DatasetCard}
_PATTERNS = {
    template: re.compile(layout.pattern(template))
    for template in dict.fromkeys((*TABLES, *RECORDS, layout.MANIFEST, *BESIDE, *TEXTS, *FIGURES))
}
# The schemas of the tables that are read a row group at a time.
STREAMED = ("dynamics",)


def template_of(name: str) -> str | None:
    """Return the template that the name of a file in an artifact follows; None where it may not be in one."""
    return next((template for template, pattern in _PATTERNS.items() if pattern.fullmatch(name)), None)


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
        raise BadInput(f"{path}: {altered[0]}: does not match its hash in the manifest; see `settling verify`")


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
            is_zip = file.read(4) == b"PK\3\4"
        what = "cut short or damaged" if is_zip else "not a zip"
        raise BadInput(f"{path}: {what} ({cut(one_line(str(error)))})") from None


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of a zip by name; raise BadInput where one is not what an artifact may hold."""
    listed = archive.infolist()
    if len(listed) > MAX_FILES:
        raise BadInput(f"{path}: found {len(listed)} files, expected at most {MAX_FILES}")
    entries: dict[str, zipfile.ZipInfo] = {}
    names: set[str] = set()
    for entry in listed:
        name, mode = entry.orig_filename, entry.external_attr >> 16
        where = f"{path}: {cut(one_line(name))}"
        if template_of(name) is None:
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
        raise BadInput(f"{path}: {MANIFEST}: found format {shown(manifest.get('format'))}, expected {FORMAT}")
    return dict(manifest)


def _json(path: Path, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str) -> Any:
    if name not in entries:
        raise BadInput(f"{path}: lacks {name}; expected an artifact of settling")
    _bounded(path, entries[name])
    return parse_json(archive.read(entries[name]), f"{path}: {name}")


def _bounded(path: Path, entry: zipfile.ZipInfo) -> None:
    if entry.filename.endswith(".json") and entry.file_size > MAX_JSON:
        raise BadInput(f"{path}: {entry.filename}: {entry.file_size} bytes, expected at most {MAX_JSON}")


def _extract(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    """Write an entry to `target` and return its SHA-256."""
    _bounded(path, entry)
    target.parent.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256()
    # It ends, or fails, at the size that the entry says, so no more is written than was allowed.
    with archive.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(COPIED_AT_ONCE):
            found.update(chunk)
            file.write(chunk)
    return found.hexdigest()


def _check(path: Path, name: str, file: Path) -> None:
    """Raise BadInput where an unpacked file is not what its name says."""
    template = template_of(name) or ""
    if name.endswith(".json"):
        value = parse_json(file.read_bytes(), f"{path}: {name}")
        if template in RECORDS:
            check_record(f"{path}: {name}", RECORDS[template], value)
    if template not in TABLES:
        return
    schema = TABLES[template]
    try:
        with open_table(file, schema) as table:
            epochs = metadata_of(table.schema_arrow).get("epochs", 0)
    except BadInput as error:
        raise BadInput(f"{path}: {name}{str(error).removeprefix(str(file))}") from None
    except (ValueError, AttributeError) as error:
        raise BadInput(f"{path}: {name}: its metadata is not settling's ({cut(one_line(str(error)))})") from None
    if not isinstance(epochs, int) or not 0 <= epochs <= MAX_EPOCHS:
        raise BadInput(f"{path}: {name}: found {shown(epochs)} epochs, expected at most {MAX_EPOCHS}")
    check_size(file, f"{path}: {name}", SCHEMAS[schema].names, by_group=schema in STREAMED)


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
        message = cut(one_line(str(error).replace(f"{folder}/", "")))
        raise BadInput(f"{path}: holds what settling does not write ({type(error).__name__}: {message})") from error


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
