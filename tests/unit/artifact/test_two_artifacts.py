"""Two artifacts side by side, and two put together."""

import os
import shutil
import socket
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settling.artifact.compare import compare, of_claims, of_table
from settling.artifact.merge import merge
from settling.artifact.stage import config_of, unpack_study
from settling.artifact.verify import verify
from settling.errors import BadInput
from settling.study import runs
from tests.study import draw
from tests.tables import forged
from tests.unit.artifact.conftest import built, study_of
from tests.unit.artifact.test_verify import altered, in_json


@pytest.fixture(scope="module")
def halves(
    corpus: Path, tiny_checkpoint: Path, results: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Return the artifacts of the study with seed 0 alone and with seed 1 alone."""
    folder = tmp_path_factory.mktemp("halves")
    paths = []
    for seed in (0, 1):
        half = study_of(corpus, tiny_checkpoint, seeds=[seed])
        for name in ("data", "treated", "runs", "events", "detectors"):
            shutil.copytree(results / name, folder / str(seed) / name)
        draw(half, folder / str(seed))
        paths.append(built(half, folder / str(seed), folder / f"{seed}.zip"))
    return paths[0], paths[1]


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_two_halves_put_together_are_the_whole(halves: tuple[Path, Path], artifact: Path, tmp_path: Path) -> None:
    merge(*halves, tmp_path / "whole.zip")
    found, whole = contents(tmp_path / "whole.zip"), contents(artifact)
    assert found.keys() == whole.keys()
    # Each experiment of the whole names its seeds, and of the words that stand out over both some were not quoted.
    different = {name for name in whole if found[name] != whole[name]}
    own = {"manifest.json", "config.json", "tables/quotes.parquet"}
    assert different <= {*own, "figures/appD_forgotten_words.json"}
    assert runs(config_of(tmp_path / "whole.zip")) == runs(config_of(artifact))
    assert verify(tmp_path / "whole.zip")[1]


def test_the_order_makes_no_difference_to_the_tables(halves: tuple[Path, Path], tmp_path: Path) -> None:
    merge(*halves, tmp_path / "one.zip")
    merge(*reversed(halves), tmp_path / "other.zip")
    one, other = contents(tmp_path / "one.zip"), contents(tmp_path / "other.zip")
    assert {name for name in one if one[name] != other.get(name)} <= {"manifest.json", "tables/quotes.parquet"}


def test_another_study_is_not_merged(
    halves: tuple[Path, Path], corpus: Path, tiny_checkpoint: Path, results: Path, tmp_path: Path
) -> None:
    def other(values: Any) -> None:
        values["systems"]["tiny"]["learning_rate"] = 0.5

    bad = altered(halves[1], tmp_path / "bad.zip", in_json("config.json", other))
    with pytest.raises(BadInput) as error:
        merge(halves[0], bad, tmp_path / "whole.zip")
    assert str(error.value) == f"{bad}: config.json: systems: not as in {halves[0]}; only seeds may differ"
    assert not (tmp_path / "whole.zip").exists()


def test_runs_that_contradict_are_named(artifact: Path, halves: tuple[Path, Path], tmp_path: Path) -> None:
    run = "runs/toy/clean/noise-seed0/tiny/seed0/run.json"
    bad = altered(halves[0], tmp_path / "bad.zip", in_json(run, lambda card: card.update(identity="another")))
    with pytest.raises(BadInput) as error:
        merge(artifact, bad, tmp_path / "whole.zip")
    assert str(error.value) == f"{bad}: {run}: not as in {artifact}"


def test_a_damaged_half_is_named(halves: tuple[Path, Path], tmp_path: Path) -> None:
    bad = altered(halves[1], tmp_path / "bad.zip", lambda content: content.update({"findings.txt": b""}), forge=False)
    with pytest.raises(BadInput, match=r"bad\.zip: findings\.txt: not what the manifest's hash is of"):
        merge(halves[0], bad, tmp_path / "whole.zip")
    with pytest.raises(BadInput, match=r"bad\.zip: findings\.txt: not what the manifest's hash is of"):
        unpack_study(bad, tmp_path / "out")


def test_an_artifact_that_brings_no_run_is_not_merged(
    halves: tuple[Path, Path], artifact: Path, tmp_path: Path
) -> None:
    shutil.copy(artifact, tmp_path / "copy.zip")
    for other in (artifact, tmp_path / "copy.zip"):
        with pytest.raises(BadInput) as error:
            merge(artifact, other, tmp_path / "whole.zip")
        assert str(error.value) == f"{other}: nothing new: both have seeds 0, 1"
    for pair in ((artifact, halves[0]), (halves[0], artifact)):
        with pytest.raises(BadInput) as error:
            merge(*pair, tmp_path / "whole.zip")
        assert str(error.value) == f"{halves[0]}: nothing new: all of its runs are in {artifact}"
    assert not (tmp_path / "whole.zip").exists()


def with_rows(name: str, rows: list[int], metadata: bytes | None = None) -> Callable[[dict[str, bytes]], None]:
    """Return what gives a table of an artifact these of its rows alone, and other metadata where some is given."""

    def change(content: dict[str, bytes]) -> None:
        table = pq.read_table(pa.BufferReader(content[name]))
        kept = table.take(pa.array(rows, pa.int64())) if rows else table
        content[name] = forged(kept.replace_schema_metadata({b"settling": metadata}) if metadata else kept)

    return change


@pytest.mark.parametrize("at_fault", [0, 1])
def test_of_two_artifacts_the_one_at_fault_is_named(at_fault: int, halves: tuple[Path, Path], tmp_path: Path) -> None:
    pair = list(halves)
    events = f"events/toy/noise-resample-30/noise-seed{at_fault}/tiny/seed{at_fault}.parquet"
    pair[at_fault] = altered(halves[at_fault], tmp_path / "bad.zip", with_rows(events, [0]))
    with pytest.raises(BadInput) as error:
        merge(pair[0], pair[1], tmp_path / "whole.zip")
    assert str(error.value).startswith(f"{pair[at_fault]}: {events}: 1 words")
    pair[at_fault] = altered(halves[at_fault], tmp_path / "bad.zip", with_rows(events, [], metadata=b"{}"))
    with pytest.raises(BadInput) as error:
        merge(pair[0], pair[1], tmp_path / "whole.zip")
    assert str(error.value).startswith(f"{pair[at_fault]}: holds what settling does not write (KeyError: ")
    pair[at_fault] = altered(halves[at_fault], tmp_path / "bad.zip", with_rows("tables/summary.parquet", [0, 0]))
    with pytest.raises(BadInput) as error:
        compare(*pair)
    where = f"{pair[at_fault]}: tables/summary.parquet"
    assert str(error.value) == f"{where}: found two rows of one estimate, expected one"


def test_nothing_of_what_is_looked_at_is_left_nor_what_a_killed_process_left(
    halves: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    host = socket.gethostname()
    left, at_work = (tmp_path / f"settling.{host}.{number}.abc" for number in (ended.pid, os.getpid()))
    others = [tmp_path / f"settling.{host}x.{ended.pid}.abc", tmp_path / f"settling.{host}.odd"]
    for folder in (left, at_work, *others):
        (folder / "tables").mkdir(parents=True)
    compare(*halves)
    assert set(tmp_path.iterdir()) == {at_work, *others}


def estimates(*rows: tuple[str, float, float | None, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["system", "mean", "sd", "n"]).assign(low=None, high=None)


def test_differences_are_in_units_of_the_spread_over_seeds() -> None:
    one = estimates(("a", 0.5, 0.03, 3), ("b", 0.5, 0.1, 3), ("c", 0.7, None, 1), ("d", 0.1, 0.1, 2))
    other = estimates(("a", 0.6, 0.04, 5), ("b", 0.5, 0.1, 3), ("c", 0.8, None, 1), ("e", 0.1, 0.1, 2))
    assert list(of_table("summary", one, other)) == [
        "summary: 3 estimates in both, 2 in one alone, 2 not equal",
        "  no spread  0.7 and 0.8 (n=1, 1)  c",
        # 0.1 over the root of the mean of 0.0009 and 0.0016.
        "    2.83 sd  0.5 and 0.6 (n=3, 5)  a",
    ]


def test_changed_verdicts_are_listed() -> None:
    one = pd.DataFrame({"claim": ["1", "1", "2"], "overall": ["undecided", "undecided", "reproduced"]})
    other = pd.DataFrame({"claim": ["1", "2", "3"], "overall": ["reproduced", "reproduced", "not run"]})
    assert list(of_claims(one, other)) == [
        "claims: 2 of 3 changed verdict",
        "  1: undecided, then reproduced",
        "  3: not there, then not run",
    ]


def test_the_command_compares(
    artifact: Path, halves: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from settling.cli import main

    said = []
    for other in (artifact, halves[0]):
        monkeypatch.setattr("sys.argv", ["settling", "compare", str(artifact), str(other)])
        main()
        said.append(capsys.readouterr().out.splitlines())
    same, half = said
    assert same[-1].startswith("claims: 0 of ")
    assert all(line.endswith(", 0 in one alone, 0 not equal") for line in same[:-1])
    assert half[0] == "configurations: not the same; what only one has is left out"
    assert any(line.endswith("sd  ") or " sd  " in line or "no spread" in line for line in half)


def test_a_mean_that_one_of_two_tables_has_not_is_a_difference_and_one_that_both_lack_is_none() -> None:
    one, other = (
        pd.DataFrame({"system": ["a", "b"], "mean": means, "sd": 0.1, "low": None, "high": None, "n": [0, 3]})
        for means in ([None, 0.5], [0.5, 0.5])
    )
    first, line = of_table("caps", one, other)
    assert first == "caps: 2 estimates in both, 0 in one alone, 1 not equal"
    assert line.split() == ["no", "spread", "none", "and", "0.5", "(n=0,", "0)", "a"]
    assert [*of_table("caps", one, one)] == ["caps: 2 estimates in both, 0 in one alone, 0 not equal"]
