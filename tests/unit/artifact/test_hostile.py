"""Zips that mean harm, or are broken, end with one clear line, and leave nothing outside their folder."""

import json
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settling.artifact import archive as module
from settling.data.foreign import MAX_ROWS
from settling.files import as_json
from settling.layout import MANIFEST
from tests.tables import forged

Spoil = Callable[[Path, Path], None]


def rewritten(good: Path, bad: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write an artifact with other content; its manifest has the hashes of the good one."""
    with zipfile.ZipFile(good) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def added(name: str, data: bytes = b"x", **attributes: Any) -> Spoil:
    """Return what adds an entry of some name and attributes to a good artifact."""

    def spoil(good: Path, bad: Path) -> None:
        bad.write_bytes(good.read_bytes())
        entry = zipfile.ZipInfo("x" * len(name))
        for key, value in attributes.items():
            setattr(entry, key, value)
        with zipfile.ZipFile(bad, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(entry, data)
        # zipfile would not write some names itself.
        bad.write_bytes(bad.read_bytes().replace(b"x" * len(name), name.encode()))

    return spoil


def replaced(name: str, data: bytes) -> Spoil:
    return lambda good, bad: rewritten(good, bad, lambda content: content.update({name: data}))


def without(name: str) -> Spoil:
    return lambda good, bad: rewritten(good, bad, lambda content: content.__delitem__(name))


def configured(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Return what changes the configuration in an artifact."""

    def spoil(content: dict[str, bytes]) -> None:
        values = json.loads(content["config.json"])
        change(values)
        content["config.json"] = as_json(values).encode()

    return lambda good, bad: rewritten(good, bad, spoil)


def cut_short(good: Path, bad: Path) -> None:
    content = good.read_bytes()
    bad.write_bytes(content[: len(content) // 2])


def flipped(good: Path, bad: Path) -> None:
    """Alter packed bytes in the middle of the manifest, the last file."""
    content = bytearray(good.read_bytes())
    place = content.rindex(b"PK\3\4") + 200
    content[place : place + 8] = bytes(255 - value for value in content[place : place + 8])
    bad.write_bytes(content)


def bomb(good: Path, bad: Path) -> None:
    bad.write_bytes(good.read_bytes())
    with zipfile.ZipFile(bad, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"figures/bomb{number}.svg", bytes(2**26))


def small_lie(good: Path, bad: Path) -> None:
    """Say in the zip's list that an entry holds far less than it does."""
    rewritten(good, bad, lambda content: content.update({"figures/lie.svg": bytes(2**22)}))
    content = bytearray(bad.read_bytes())
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = content.index(b"figures/lie.svg", content.index(b"PK\1\2") if mark == b"PK\1\2" else 0)
        head = content.rindex(mark, 0, start)
        content[head + place : head + place + 4] = struct.pack("<I", 10)
    bad.write_bytes(content)


def twice(good: Path, bad: Path) -> None:
    bad.write_bytes(good.read_bytes())
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr("figures/ONE.svg", b"")
        archive.writestr("figures/one.svg", b"")


def rows_bomb(good: Path, bad: Path) -> None:
    """Hold a small table that says it has very many rows."""
    with zipfile.ZipFile(good) as archive:
        schema = pq.read_schema(pa.BufferReader(archive.read("tables/run_curves.parquet")))
    rows = MAX_ROWS + 1
    columns = []
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_dictionary(field.type):
            columns.append(
                pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["x"], kind))
            )
        else:
            columns.append(pa.array(np.zeros(rows, dtype=kind.to_pandas_dtype()), kind))
    content = forged(pa.Table.from_arrays(columns, schema=schema), compression="zstd")
    replaced("tables/run_curves.parquet", content)(good, bad)


def text_bomb(good: Path, bad: Path) -> None:
    """Hold a small table in which one long text stands in very many rows."""
    with zipfile.ZipFile(good) as archive:
        quotes = pq.read_table(pa.BufferReader(archive.read("tables/quotes.parquet")))
    rows = quotes.take([0] * 100)
    place = quotes.schema.get_field_index("before")
    long = rows.set_column(place, quotes.schema.field(place), pa.array(["x" * 10**6] * len(rows)))
    replaced("tables/quotes.parquet", forged(long, compression="zstd"))(good, bad)


RUN = "runs/toy/clean/noise-seed0/tiny/seed0"
EVENTS = "events/toy/clean/noise-seed0/tiny/seed0.parquet"


def with_metadata(text: bytes) -> Spoil:
    """Return what changes what a table says of its making."""

    def spoil(content: dict[str, bytes]) -> None:
        table = pq.read_table(pa.BufferReader(content[EVENTS]))
        content[EVENTS] = forged(table.replace_schema_metadata({b"settling": text}))

    return lambda good, bad: rewritten(good, bad, spoil)


LINK = (stat.S_IFLNK | 0o777) << 16
CASES: dict[str, tuple[Spoil, str]] = {
    "path escape": (added("../../escaped.txt"), "../../escaped.txt: not the name of a file of an artifact"),
    "absolute path": (added("/tmp/escaped.txt"), "/tmp/escaped.txt: not the name"),
    "backslashes": (added("figures\\..\\..\\x.svg"), "not the name of a file of an artifact"),
    "null byte": (added("figures/x.svg\0.json"), "figures/x.svg\\x00.json: not the name"),
    "odd characters": (added("figures/\x1b[2J.svg"), "figures/\\x1b[2J.svg: not the name"),
    "program": (added("workflow/rules/train.smk"), "workflow/rules/train.smk: not the name"),
    "link": (added("figures/x.svg", b"/etc/passwd", external_attr=LINK), "figures/x.svg: found a link or device"),
    "name clash": (twice, "figures/one.svg: there twice"),
    "bomb": (bomb, "one of its size holds at most"),
    "lie about a size": (small_lie, "cut short or damaged"),
    "cut short": (cut_short, "cut short or damaged"),
    "altered bytes": (flipped, "cut short or damaged"),
    "not a zip": (lambda good, bad: bad.write_bytes(b"%PDF-1.7 nothing here") and None, "not a zip"),
    "empty": (lambda good, bad: bad.write_bytes(b"") and None, "not a zip"),
    "folder": (lambda good, bad: bad.mkdir(), "found a folder, expected an artifact"),
    "huge JSON": (replaced("claims.json", b"[" + b" " * (module.MAX_JSON + 1) + b"]"), "claims.json: 671088"),
    "deep JSON": (replaced("config.json", b"[" * 200_000), "config.json: not JSON"),
    "no JSON": (replaced(MANIFEST, b"\xff\xfe{"), "manifest.json: not JSON"),
    "no manifest": (without(MANIFEST), "lacks manifest.json; expected an artifact of settling"),
    "no hashes": (replaced(MANIFEST, b'{"format": 1, "files": [1]}'), "manifest.json: no table `files` of hashes"),
    "later format": (replaced(MANIFEST, b'{"format": 99, "files": {}}'), "manifest.json: found format 99, expected 1"),
    "no configuration": (replaced("config.json", b"[]"), "config.json: not a configuration"),
    "wrong configuration": (configured(lambda values: values.pop("systems")), "config.json: systems"),
    "endless grid": (
        configured(lambda values: values.update(seeds=list(range(10_000)), noise_seeds=list(range(10_000)))),
        "config.json: asks for",
    ),
    "card of a run": (replaced(f"{RUN}/run.json", b"{}"), "run.json: identity: Field required"),
    "card of data": (replaced("data/toy/card.json", b"[]"), "data/toy/card.json: record: "),
    "UTF-16": (replaced(f"{RUN}/run.json", "{}".encode("utf-16")), "run.json: not JSON"),
    "wrong metadata": (with_metadata(b"[1]"), "its metadata is not settling's"),
    "endless epochs": (with_metadata(b'{"epochs": 1000000000}'), "found 1000000000 epochs, expected at most"),
    "wrong schema": (replaced("tables/curves.parquet", b"PAR1"), "tables/curves.parquet: not a Parquet file"),
    "one text many times": (text_bomb, "tables/quotes.parquet: found 10"),
    "very many rows": (
        rows_bomb,
        f"run_curves.parquet: found {MAX_ROWS + 1} rows or more, expected at most",
    ),
}


@pytest.mark.parametrize("command", ["verify", "unpack"])
@pytest.mark.parametrize("case", CASES)
def test_a_bad_zip_ends_with_one_clear_line(
    case: str, command: str, artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, words = CASES[case]
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    bad = inside / "bad.zip"
    spoil(artifact, bad)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.chdir(inside)
    monkeypatch.setattr(
        "sys.argv", ["settling", command, "bad.zip", *(["--output", "out"] if command == "unpack" else [])]
    )
    from settling.cli import main

    with pytest.raises(SystemExit) as error:
        main()
    said = str(error.value.code)
    assert said.startswith("settling: bad.zip: ")
    assert words in said
    assert "\n" not in said
    assert said.isprintable()
    assert len(said) < 300
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_table_under_another_s_name_is_refused(artifact: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(artifact) as archive:
        summary = archive.read("tables/summary.parquet")
    replaced("tables/curves.parquet", summary)(artifact, tmp_path / "bad.zip")
    done = subprocess.run(
        [sys.executable, "-m", "settling", "verify", "bad.zip"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("settling: bad.zip: tables/curves.parquet: columns [")
    assert "are not a curves table" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_disk_without_room_is_said(artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(module.BadInput, match=r"has room for 1000"):
        module.unpack(artifact, tmp_path)
