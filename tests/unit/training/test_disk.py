"""A disk that takes nothing ends a run with one line and nothing half-written; a later start completes it."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TINY_SPEC, run_command, train_command
from tests.unit.training.test_resume import bytes_of


def mounted(*arguments: object) -> bool:
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode == 0


@contextlib.contextmanager
def disk_of(size: str, folder: Path) -> Iterator[Path]:
    """Yield a new folder that is a disk of its own, of a size such as `4m`; skip the test where none can be had."""
    folder.mkdir()
    if not mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder):
        pytest.skip("no right to mount a file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of("4m", tmp_path / "disk") as folder:
        yield folder


def fill(path: Path) -> None:
    """Write to a file until the disk takes no more."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("fault", "reason"), [("full", "cannot be written"), ("read-only", "Read-only file system")])
def test_a_run_on_a_disk_that_takes_nothing_ends_with_a_line_and_completes_later(
    fault: str, reason: str, disk: Path, tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path
) -> None:
    command = train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, disk / "seed0")
    filler = disk / "filler"
    if fault == "full":
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
    else:
        assert mounted("-o", "remount,ro", disk)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("settling: ")] == [
        done.stderr.splitlines()[-1]
    ]
    assert reason in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert files(disk) <= {"filler"}
    if fault == "full":
        filler.unlink()
    else:
        assert mounted("-o", "remount,rw", disk)
    run_command(command)
    assert bytes_of(disk / "seed0") == bytes_of(tiny_run)
    assert files(disk) == {"dynamics.parquet", "scores.parquet", "run.json"}
