import csv
import errno
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import settling
from settling import files
from settling.errors import BadInput
from settling.files import claimed, read_json, replacing, scratch, write_json, write_text
from settling.provenance import commit, git_blob, provenance, sha256
from settling.tables import metadata_of, read_table, write_csv, write_table, writing_table

COLUMNS: dict[str, Any] = {
    "view": ["minibatch", "minibatch"],
    "epoch": [0, 0],
    "word": [0, 1],
    "predicted": [3, 0],
    "loss": [0.5, 0.25],
    "margin": [-0.5, 1.5],
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_and_alone(tmp_path: Path) -> None:
    with replacing(tmp_path / "new" / "file.txt") as part:
        part.write_text("all of it")
        assert not (tmp_path / "new" / "file.txt").exists()
    assert names(tmp_path / "new") == ["file.txt"]
    assert (tmp_path / "new" / "file.txt").read_text() == "all of it"


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "file.txt", "old")

    def fail() -> None:
        with replacing(tmp_path / "file.txt") as part:
            part.write_text("ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "old"


def test_a_table_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with writing_table(tmp_path / "a.parquet", "dynamics", {}) as write_group:
            write_group(COLUMNS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "change",
    [
        {"loss": [None, 1.0]},
        {"predicted": [256, 0]},
        {"epoch": [-1, 0]},
        {"word": ["zero", "one"]},
        {"word": [0, 1, 2]},
        {"extra": [1, 2]},
    ],
    ids=["null", "too large", "negative", "text", "length", "unknown column"],
)
def test_what_the_schema_forbids_is_not_written(tmp_path: Path, change: dict[str, Any]) -> None:
    # ArrowInvalid is a ValueError, and so are the two errors of ours; nothing else may come out.
    with pytest.raises(ValueError):  # noqa: PT011
        write_table(tmp_path / "a.parquet", "dynamics", {**COLUMNS, **change}, {})
    assert names(tmp_path) == []


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loss"):
        write_table(tmp_path / "a.parquet", "dynamics", {name: COLUMNS[name] for name in list(COLUMNS)[:-1]}, {})


def test_a_table_and_its_metadata_come_back(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", "dynamics", COLUMNS, {"tags": ["O", "B-É"], "epochs": 1})
    table = read_table(tmp_path / "a.parquet", "dynamics")
    assert table.to_pydict() == COLUMNS
    assert metadata_of(table.schema) == {"tags": ["O", "B-É"], "epochs": 1}


def test_each_group_written_is_a_row_group(tmp_path: Path) -> None:
    with writing_table(tmp_path / "a.parquet", "dynamics", {}) as write_group:
        for epoch in range(3):
            write_group({**COLUMNS, "epoch": np.full(2, epoch)})
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert [file.read_row_group(group)["epoch"].to_pylist() for group in range(3)] == [[0, 0], [1, 1], [2, 2]]


def test_nulls_are_kept_where_the_schema_allows_them(tmp_path: Path) -> None:
    row: dict[str, Any] = {"dataset": "d", "treatment": "clean", "family": "clean", "kind": "clean", "noise_seed": 0}
    row |= {"percent": None, "cap_class": None, "cap_sentences": None}
    row |= {
        "sentences": 1,
        "words": 2,
        "nominal_rate": 0.0,
        "effective_rate": 0.0,
        "effective_mention_rate": 0.0,
        "settled_f1": 1.0,
    }
    write_table(tmp_path / "a.parquet", "treatments", {name: [value] for name, value in row.items()}, {})
    assert read_table(tmp_path / "a.parquet", "treatments").to_pylist() == [row]


def test_other_tables_are_refused_by_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, "dynamics", COLUMNS, {})
    with pytest.raises(BadInput, match=r"a\.parquet: columns \['view'.* not a scores table: expected \['epoch'"):
        read_table(path, "scores")
    pq.write_table(pa.table({**COLUMNS, "loss": ["high", "low"]}), path)
    with pytest.raises(BadInput, match="not a dynamics table"):
        read_table(path, "dynamics")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not at all"], ids=["empty", "only a mark", "text"])
def test_what_is_not_parquet_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.parquet: not a Parquet file") as caught:
        read_table(tmp_path / "a.parquet", "data")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, "dynamics", COLUMNS, {})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match="not a Parquet file"):
        read_table(path, "dynamics")


def test_missing_files_are_named(tmp_path: Path) -> None:
    for read in (lambda path: read_table(path, "data"), read_json):
        with pytest.raises(BadInput, match="absent: no such file"):
            read(tmp_path / "absent")


def test_json_has_one_form_and_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, 2.5, None], "a": "é"})
    write_json(tmp_path / "b.json", {"a": "é", "b": [1, 2.5, None]})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_json(tmp_path / "a.json") == {"a": "é", "b": [1, 2.5, None]}
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadInput, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")


def test_csv_holds_the_same_values(tmp_path: Path) -> None:
    table = pa.table({"name": ['say "a, b"', "line\nbreak", None], "value": [0.1 + 0.2, None, 1e-9]})
    write_csv(tmp_path / "a.csv", table)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "value"]
    read_back = [[name or None, float(value) if value else None] for name, value in rows[1:]]
    assert read_back == [list(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://a.example","b")', "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\0=1", " =1", "\u00a0=1"]
    + [f"{sign}1" for sign in "\uff1d\uff0b\uff0d\uff20"],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path, text: str, kind: pa.DataType) -> None:
    write_csv(tmp_path / "a.csv", pa.table({"token": pa.array([text, "it's = 1"]).cast(kind), "value": [-0.5, 1.0]}))
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["token", "value"], [f"'{text}", "-0.5"], ["it's = 1", "1.0"]]


def test_hashes_are_those_of_the_usual_tools(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    by_git = subprocess.run(["git", "hash-object", str(path)], capture_output=True, text=True, check=True)
    assert git_blob(path) == by_git.stdout.strip()


def test_provenance_says_what_made_a_file_and_nothing_of_when_or_where(tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        write_text(folder / "in.txt", "abc")
        made.append(provenance("treat", {"percent": 20}, {"train": folder / "in.txt"}, epochs=3))
        write_table(folder / "out.parquet", "dynamics", COLUMNS, made[-1])
    assert made[0] == {
        "command": "treat",
        "spec": {"percent": 20},
        "version": settling.__version__,
        "commit": commit(),
        "inputs": {"train": sha256(tmp_path / "here" / "in.txt")},
        "epochs": 3,
    }
    assert sha256(tmp_path / "here" / "out.parquet") == sha256(tmp_path / "there" / "out.parquet")
    assert json.dumps(made[0]) == json.dumps(made[1])


def test_the_commit_is_this_checkout_s_and_none_outside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = subprocess.run(
        ["git", "-C", str(Path(settling.__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True
    )
    expected = head.stdout.strip() or "none"
    assert commit.__wrapped__().removesuffix("+") == expected
    # Installed inside some other repository, the package must not claim that repository's commit.
    package = tmp_path / "venv" / "settling"
    package.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.setattr(settling, "__file__", str(package / "__init__.py"))
    assert commit.__wrapped__() == "none"


def test_a_changed_byte_of_a_table_is_found_whichever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "dynamics.parquet"
    rng = np.random.default_rng(0)
    losses = rng.random(2000, dtype=np.float32)
    columns = {name: [value[0]] * len(losses) for name, value in COLUMNS.items()}
    write_table(path, "dynamics", {**columns, "word": np.arange(len(losses)), "loss": losses, "margin": losses}, {})
    whole, table = path.read_bytes(), read_table(path, "dynamics")
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [*rng.integers(4, footer, 200), *rng.integers(footer, len(whole), 200)]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.integers(8)]) + whole[place + 1 :])
        try:
            found = read_table(path, "dynamics")
        except BadInput:
            continue
        # Some bits of the footer say nothing that is read.
        assert place >= footer
        assert found.equals(table)


def edited(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite a table by another hand, its metadata kept."""
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def test_a_table_rewritten_by_another_hand_is_refused_though_it_kept_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "dynamics.parquet"
    write_table(path, "dynamics", COLUMNS, {"command": "train"})
    edited(path, lambda table: table.set_column(4, table.schema.field(4), pa.array([9.0] * len(table), pa.float32())))
    with pytest.raises(BadInput, match=r"dynamics\.parquet: damaged, or edited since settling wrote it"):
        read_table(path, "dynamics")


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, found in (("folder", "a folder"), ("pipe", "a device")):
        with pytest.raises(BadInput, match=f"{name}: found {found}, expected a file or nothing"):
            write_text(tmp_path / name, "text")
    assert names(tmp_path) == ["folder", "pipe"]


def test_a_scratch_folder_is_empty_when_it_begins_and_gone_when_it_ends(tmp_path: Path) -> None:
    left = tmp_path / "new" / ".model.scratch"
    (left / "of a killed process").mkdir(parents=True)
    with scratch(tmp_path / "new" / "model") as folder:
        assert (folder, names(folder)) == (left, [])
        (folder / "made").mkdir()
        (folder / "made" / "file.txt").write_text("text")
        (folder / "made").rename(tmp_path / "new" / "model")
    assert names(tmp_path / "new") == ["model"]

    def fail() -> None:
        with scratch(tmp_path / "other") as folder:
            write_text(folder / "file.txt", "text")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == ["new"]


@pytest.mark.parametrize("writing", [replacing, scratch])
def test_an_error_of_the_disk_names_the_file_that_was_to_be(
    writing: Callable[[Path], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    def fail(error: OSError) -> None:
        with writing(tmp_path / "file"):
            raise error

    for nameless in (OSError(errno.ENOSPC, "No space left on device"), OSError("the library's own words")):
        with pytest.raises(OSError, match=r"No space|library's own") as caught:
            fail(nameless)
        assert caught.value.filename == str(tmp_path / "file")
    with pytest.raises(OSError, match="other") as caught:
        fail(OSError(errno.EIO, "Input/output error", "other"))
    assert caught.value.filename == "other"
    assert names(tmp_path) == []


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    sync, replace = files.sync, os.replace
    monkeypatch.setattr(files, "sync", lambda path: (calls.append(("sync", path)), sync(path)))
    monkeypatch.setattr(os, "replace", lambda one, other: (calls.append(("rename", other)), replace(one, other)))
    write_text(tmp_path / "file.txt", "text")
    part = tmp_path / ".file.txt.part"
    assert calls == [("sync", part), ("rename", tmp_path / "file.txt"), ("sync", tmp_path)]


def test_what_another_process_is_making_is_waited_for_and_refused_where_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "file.txt"

    def make() -> str:
        with claimed(path):
            return "made"

    with ThreadPoolExecutor(1) as pool:
        with claimed(path):
            with monkeypatch.context() as patch:
                patch.setattr(files, "WAIT_SECONDS", 0.01)
                with pytest.raises(BadInput, match=r"file\.txt: another process is making it \(it holds .*lock\)"):
                    files.claimed(path).__enter__()
            waiting = pool.submit(make)
            assert not waiting.done()
        assert waiting.result(timeout=60) == "made"
    # What a killed process has left keeps nobody away.
    (tmp_path / ".other.lock").touch()
    with claimed(tmp_path / "other"):
        pass
    assert not list(tmp_path.rglob("*.lock"))


def test_no_folder_is_left_in_which_nothing_was_made(tmp_path: Path) -> None:
    with claimed(tmp_path / "new" / "folder" / "file.txt"):
        pass
    assert names(tmp_path) == []
    with claimed(tmp_path / "new" / "file.txt"):
        write_text(tmp_path / "new" / "file.txt", "made")
    assert names(tmp_path / "new") == ["file.txt"]
