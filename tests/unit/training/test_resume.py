"""A run gives the same bytes whether it was interrupted or not."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from settling import files
from settling.errors import BadInput
from settling.systems.encoder import EncoderRecipe
from settling.tables import read_table
from settling.training import loop, state
from settling.training import train as stage
from settling.training.progress import Progress, read_progress
from settling.training.records import Observation
from settling.training.train import Job, Run, train
from tests.conftest import TINY_SPEC, paths_of, run_command, train_command

OUTPUTS = {"dynamics.parquet", "scores.parquet", "run.json"}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in ("dynamics", "scores")}


def left(state: Path) -> set[str]:
    """Return the names in a state folder."""
    return {path.name for path in state.iterdir()}


def kill_after(command: list[str], epochs: int) -> None:
    """Start a training and kill it with SIGKILL as soon as it reports that many epochs."""
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith(f"epoch {epochs}/"):
                process.send_signal(signal.SIGKILL)
                break
        else:
            raise AssertionError("the run ended before it could be killed")
    assert process.returncode == -signal.SIGKILL


def test_a_run_killed_in_its_middle_gives_the_bytes_of_an_undisturbed_one(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "seed0"
    command = train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    kill_after(command, 2)
    assert not output.exists()
    kill_after(command, 4)
    resumed = run_command(command)
    assert "going on after epoch 4/6" in resumed.stderr or "going on after epoch 3/6" in resumed.stderr
    assert bytes_of(output) == bytes_of(tiny_run)
    assert left(Path(f"{output}.state")) == OUTPUTS


def train_here(spec: dict[str, Any], treated: Path, data: Path, checkpoint: Path, output: Path, seed: int = 0) -> None:
    """Train in this process, which spares the start of another."""
    train(spec, paths_of(data), checkpoint, [Run(seed, treated, output, Path(f"{output}.state"))])


def test_a_second_undisturbed_run_gives_the_same_bytes_in_another_process(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "again")
    assert bytes_of(tmp_path / "again") == bytes_of(tiny_run)


@pytest.fixture(scope="module")
def half_done(
    tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """Return the state file of a run of TINY_SPEC killed in its middle."""
    output = tmp_path_factory.mktemp("half") / "seed0"
    kill_after(train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output), 3)
    return Path(f"{output}.state", "state.pt").read_bytes()


def damaged(state: bytes, number: int) -> bytes:
    """Return a state file with one damage of many kinds, as `number` chooses."""
    rng = np.random.default_rng(number)
    place = int(rng.integers(len(state)))
    match number % 5:
        case 0 | 1:
            return state[:place] + bytes([state[place] ^ 1 << rng.integers(8)]) + state[place + 1 :]
        case 2:
            # As a power cut leaves a file that was not flushed.
            page = place // 4096 * 4096
            return state[:page] + bytes(min(4096, len(state) - page)) + state[page + 4096 :]
        case 3:
            return state[:place]
        case _:
            return rng.bytes(place)


@pytest.mark.parametrize("number_of_states", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_of_many_damaged_states_none_is_loaded(
    number_of_states: int, half_done: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, cpu = tmp_path / "state.pt", torch.device("cpu")
    whole = torch.load(io.BytesIO(half_done), weights_only=True)
    path.write_bytes(half_done)
    assert state.load(path, whole["identity"], cpu)
    for number in range(number_of_states):
        content = damaged(half_done, number)
        # A page of zeros may have been one before.
        if content == half_done:
            continue
        path.write_bytes(content)
        assert state.load(path, whole["identity"], cpu) is None, number
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{path}: damaged (")
        assert not path.exists()


def other_object(value: object) -> bytes:
    """Return a file that torch loads, with a hash that is right, and that holds no state."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a state", None, other_object("hello"), other_object([1, 2]), other_object({"identity": 3})],
    ids=["empty", "text", "a folder", "a string", "a list", "another identity"],
)
def test_what_is_no_state_is_dropped_with_a_line_and_the_run_starts_from_its_first_epoch(
    content: bytes | None,
    tiny_run: Path,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "seed0"
    path = Path(f"{output}.state", "state.pt")
    path.parent.mkdir()
    if content is None:
        (path / "inner").mkdir(parents=True)
    else:
        path.write_bytes(content)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"{path}: ")]
    assert bytes_of(output) == bytes_of(tiny_run)


def test_a_second_training_of_one_run_is_refused_while_the_first_goes_on(
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.1)
    output = tmp_path / "seed0"
    with state.claimed(Path(f"{output}.state"), lambda: False), pytest.raises(BadInput) as error:
        train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert str(error.value).startswith(f"{output}.state: another process is making it")
    assert not output.exists()
    # How far the run is, the other process tells.
    assert read_progress(Path(f"{output}.state")) is None
    assert not list(tmp_path.glob(".*.lock"))


def test_what_another_run_puts_into_the_state_folder_meanwhile_is_not_handed_over(
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train_here({**TINY_SPEC, "epochs": 1}, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "other")
    output = tmp_path / "seed0"
    whole = Job.train

    def disturbed(job: Job, run: Run) -> None:
        whole(job, run)
        shutil.rmtree(run.state)
        shutil.copytree(tmp_path / "other", run.state)

    monkeypatch.setattr(Job, "train", disturbed)
    with pytest.raises(BadInput, match="holds what another run or process wrote"):
        train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert not output.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"[" * 5000], ids=str)
def test_a_finished_run_whose_card_is_damaged_is_trained_again(
    content: bytes, tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "seed0"
    shutil.copytree(tiny_run, output)
    (output / "run.json").write_bytes(content)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert bytes_of(output) == bytes_of(tiny_run)
    assert json.loads((output / "run.json").read_text())["outputs"]


def test_the_state_of_another_run_is_not_used(
    half_done: bytes,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "undisturbed", seed=1)
    (tmp_path / "disturbed.state").mkdir()
    (tmp_path / "disturbed.state" / "state.pt").write_bytes(half_done)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "disturbed", seed=1)
    assert "of a run with other parameters, data or code" in capsys.readouterr().err
    assert bytes_of(tmp_path / "disturbed") == bytes_of(tmp_path / "undisturbed")


def test_a_finished_run_is_not_trained_again(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tiny_run / "run.json").read_bytes()
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tiny_run)
    assert capsys.readouterr().err.strip().endswith("already done")
    assert (tiny_run / "run.json").read_bytes() == before


def test_a_state_left_beside_a_finished_run_is_cleared_away(
    half_done: bytes, tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output, state = tmp_path / "seed0", tmp_path / "seed0.state"
    shutil.copytree(tiny_run, output)
    state.mkdir()
    (state / "state.pt").write_bytes(half_done)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert not state.exists()
    assert bytes_of(output) == bytes_of(tiny_run)


def test_a_finished_run_whose_outputs_were_deleted_is_put_back_without_training(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output, state = tmp_path / "seed0", tmp_path / "seed0.state"
    shutil.copytree(tiny_run, state)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert bytes_of(output) == bytes_of(tiny_run)
    # Trained anew, it would say when.
    assert (output / "run.json").read_bytes() == (tiny_run / "run.json").read_bytes()
    assert all((output / name).samefile(state / name) for name in OUTPUTS)


def test_on_a_disk_without_hard_links_outputs_are_kept_once(
    tiny_run: Path,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    shutil.copytree(tiny_run, tmp_path / "seed0.state")
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "seed0")
    assert bytes_of(tmp_path / "seed0") == bytes_of(tiny_run)
    assert not (tmp_path / "seed0.state").exists()


def test_what_another_run_left_in_the_state_folder_does_not_take_the_place_of_a_finished_run(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output, state = tmp_path / "seed0", tmp_path / "seed0.state"
    shutil.copytree(tiny_run, output)
    train_here({**TINY_SPEC, "epochs": 1}, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "other")
    (tmp_path / "other.state").rename(state)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert bytes_of(output) == bytes_of(tiny_run)


def test_a_finished_run_whose_output_was_changed_is_trained_again(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "seed0"
    shutil.copytree(tiny_run, output)
    (output / "scores.parquet").write_bytes(b"")
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert bytes_of(output) == bytes_of(tiny_run)


def job(treated: Path, data: Path, checkpoint: Path, folder: Path, *more: Path) -> list[Path]:
    """Train two runs of TINY_SPEC and any more of other treated splits in one job; return their folders."""
    splits = [treated, treated, *more]
    places = [folder / f"seed{number}" for number in range(len(splits))]
    logs = [folder / f"{place.name}.log" for place in places]
    states = [folder / "state" / place.name for place in places]
    runs = [Run(number, *files) for number, files in enumerate(zip(splits, places, states, logs, strict=True))]
    train(TINY_SPEC, paths_of(data), checkpoint, runs)
    return places


def test_a_run_gives_the_same_bytes_alone_and_after_others_in_one_job(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    places = job(tiny_treated, tiny_data, tiny_checkpoint, tmp_path)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "alone", seed=1)
    assert bytes_of(places[0]) == bytes_of(tiny_run)
    assert bytes_of(places[1]) == bytes_of(tmp_path / "alone")
    for place in places:
        lines = (tmp_path / f"{place.name}.log").read_text().splitlines()
        assert [line.split()[1] for line in lines if line.startswith("epoch")] == [f"{n}/6" for n in range(1, 7)]
    assert all(left(tmp_path / "state" / place.name) == OUTPUTS for place in places)


def test_a_run_that_fails_takes_no_neighbour_along_and_those_done_are_not_trained_again(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    late = tmp_path / "late.parquet"
    with pytest.raises(BadInput) as error:
        job(tiny_treated, tiny_data, tiny_checkpoint, tmp_path, late)
    assert str(error.value) == f"{late}: No such file or directory"
    assert (tmp_path / "seed2.log").read_text() == f"settling: {late}: No such file or directory\n"
    failed = read_progress(tmp_path / "state" / "seed2")
    assert failed
    assert failed == Progress("failed", 0, 6, reason=f"{late}: No such file or directory", when=failed.when)
    # A workflow would delete them; they wait.
    assert not (tmp_path / "seed0").exists()
    shutil.copy(tiny_treated, late)
    places = job(tiny_treated, tiny_data, tiny_checkpoint, tmp_path, late)
    for number in (0, 1):
        assert (tmp_path / f"seed{number}.log").read_text() == f"{places[number]}: already done\n"
    assert bytes_of(places[0]) == bytes_of(tiny_run)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "alone", seed=2)
    assert bytes_of(places[2]) == bytes_of(tmp_path / "alone")


def test_a_job_that_fails_before_its_first_run_says_why_in_the_log_of_each(
    tiny_treated: Path, tiny_data: Path, tmp_path: Path
) -> None:
    logs = [tmp_path / "logs" / f"seed{seed}.log" for seed in (0, 1)]
    runs = [Run(seed, tiny_treated, tmp_path / "out", tmp_path / "state", log) for seed, log in enumerate(logs)]
    with pytest.raises(BadInput):
        train(TINY_SPEC, paths_of(tiny_data), tmp_path / "none", runs)
    assert {log.read_text() for log in logs} == {f"settling: {tmp_path / 'none'}: no such checkpoint folder\n"}
    failed = read_progress(tmp_path / "state")
    assert failed
    assert (failed.state, failed.reason) == ("failed", f"{tmp_path / 'none'}: no such checkpoint folder")


def test_an_error_in_the_code_of_a_system_ends_its_run_alone_and_its_log_says_where(
    tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = loop.Trainer.train

    def broken(trainer: loop.Trainer, epoch: int) -> Observation:
        if trainer.seed == 0:
            raise RuntimeError("out of memory\nby far")
        return whole(trainer, epoch)

    monkeypatch.setattr(loop.Trainer, "train", broken)
    with pytest.raises(BadInput) as error:
        job(tiny_treated, tiny_data, tiny_checkpoint, tmp_path)
    assert str(error.value) == f"{tmp_path / 'seed0'}: RuntimeError: out of memory"
    assert "in broken" in (tmp_path / "seed0.log").read_text()
    assert "epoch 6/6" in (tmp_path / "seed1.log").read_text()


def test_a_run_tells_how_far_it_is_from_its_start_until_it_is_done(
    tiny_run: Path,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output, folder = tmp_path / "seed0", tmp_path / "seed0.state"
    told: list[Progress | None] = []

    def watched(line: str) -> None:
        told.append(read_progress(folder))
        if line.startswith("epoch 2/") and len(told) < 4:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(stage, "say", watched)
    with pytest.raises(state.Interrupted):
        train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert [(one.state, one.epoch, one.epochs) for one in told if one] == [
        *(("going", epoch, 6) for epoch in range(3)),
        ("interrupted", 2, 6),
        # Said as it goes on: from where, with how many words.
        *[("going", epoch, 6) for epoch in (0, 2, 3, 4, 5, 6)],
    ]
    last = told[-1]
    assert last
    rows = read_table(output / "scores.parquet", "scores").to_pylist()
    final = {(row["split"], row["metric"]): row["value"] for row in rows if (row["epoch"], row["class"]) == (5, "all")}
    assert last.dev_f1 == pytest.approx(final["dev", "f1"])
    assert last.seconds_left == 0
    assert left(folder) == OUTPUTS
    assert bytes_of(output) == bytes_of(tiny_run)


def test_a_state_saved_under_another_default_is_another_runs(
    half_done: bytes,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(EncoderRecipe.model_fields["schedule"], "default", "constant")
    EncoderRecipe.model_rebuild(force=True)
    (tmp_path / "seed0.state").mkdir()
    (tmp_path / "seed0.state" / "state.pt").write_bytes(half_done)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "seed0")
    monkeypatch.undo()
    EncoderRecipe.model_rebuild(force=True)
    assert "of a run with other parameters, data or code" in capsys.readouterr().err
