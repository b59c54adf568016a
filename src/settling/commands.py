"""The functions of those commands that do more than call one function of a stage.

settling.stages names them and settling.cli calls them. Each imports what it needs when it is called, because no two of
them need the same and imports take long.
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settling.errors import BadInput, tell

if TYPE_CHECKING:
    from settling.training.train import Run

# Python refuses to read an integer of thousands of digits.
MAX_DIGITS = 18


def download(what: str, spec: dict[str, Any], output: Path) -> None:
    """Fetch a data set (`what` is `dataset`) or a checkpoint (`checkpoint`)."""
    if what == "dataset":
        from settling.data.dataset import download_dataset

        download_dataset(spec, output)
    else:
        from settling.data.checkpoints import download_checkpoint

        download_checkpoint(spec, output)


def train(
    spec: dict[str, Any],
    train: Path,
    dev: Path,
    test: Path,
    run: Sequence[Sequence[str]],
    checkpoint: Path | None,
    tokens: Path | None,
    device: str,
    threads: int,
) -> None:
    """Train runs; `run` has the values of each `--run`. After a signal the process ends with the status of SIGTERM."""
    from settling.training import train as training
    from settling.training.state import Interrupted

    data = {"train": train, "dev": dev, "test": test}
    try:
        training.train(spec, data, checkpoint, [run_from(*values) for values in run], device, threads, tokens)
    except Interrupted:
        print("settling: interrupted; the same command goes on from the saved state", file=sys.stderr)
        sys.exit(128 + signal.SIGTERM)


def run_from(seed: str, treated: str, output: str, state: str, log: str) -> "Run":
    """Return the run that the values of one `--run` describe; raise BadInput for a bad seed."""
    from settling.training.train import Run

    if not seed.isdecimal():
        raise BadInput(f"--run: found the seed {seed!r}, expected an integer from 0 on")
    if len(seed) > MAX_DIGITS:
        raise BadInput(f"--run: found a seed of {len(seed)} digits, expected at most {MAX_DIGITS}")
    return Run(int(seed), Path(treated), Path(output), Path(state), None if log == "-" else Path(log))


def verify(path: Path, claims: Path) -> None:
    """Check an artifact, also against the file `claims` if it exists, and print the result.

    The process ends with status 1 if the artifact does not agree.
    """
    from settling.artifact import verify as verification

    report, agrees = verification.verify(path, claims if claims.exists() else None)
    tell(report)
    sys.exit(not agrees)


def status(file: Path) -> str:
    """Return a text that says how far the study of a configuration file is."""
    from settling.config import read
    from settling.status import status

    return status(read(file))


def config(file: Path) -> None:
    """Print a configuration in full; print on standard error what one should know before the study is started.

    Raises BadInput for a bad configuration, such as one with a checkpoint on the hub that has no revision.
    """
    from settling.config import read
    from settling.data.preview import previews
    from settling.study import not_there, runs, unpinned

    study = read(file)
    try:
        num_runs = len(runs(study))
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None
    if keys := unpinned(study):
        expected = "expected the id of a commit of its repository (40 hexadecimal digits)"
        raise BadInput("\n".join(f"{file}: {key}.revision: missing; {expected}" for key in keys))
    print(json.dumps(study.model_dump(mode="json"), indent=2))
    for key, path in not_there(study):
        tell(f"{file}: {key}: {path}: no such file yet", sys.stderr)
    for name, dataset in study.datasets.items():
        for line in previews(name, dataset):
            tell(line, sys.stderr)
    tell(f"{file}: a study of {num_runs} runs", sys.stderr)
