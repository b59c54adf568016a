"""Checks that the files of a run belong together, by the hashes that its run.json and the files themselves hold.

They refuse a file that replaced another, such as the dynamics of another seed, before anything is computed from it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.errors import BadInput
from settling.files import read_json
from settling.layout import Run
from settling.provenance import sha256
from settling.tables import metadata_of, open_table


def check_run(run_json: Path, paths: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
    """Raise BadInput unless the run that `run_json` describes was trained on `treated` and wrote the other files.

    `paths` has the files by their role in the run (`treated`, `dynamics`, `scores`), `hashes` their SHA-256.
    """
    _check(run_json, _read_record(run_json), paths, hashes)


def _check(run_json: Path, record: dict[str, Any], paths: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
    for role, path in paths.items():
        if role == "treated":
            continue
        if (actual := hashes[role]) != (expected := record["outputs"].get(path.name)):
            raise BadInput(f"{path}: not what the run wrote: found SHA-256 {actual}, {run_json} says {expected}")
    if hashes["treated"] != record["made"]["inputs"].get("treated"):
        split = paths["treated"]
        raise BadInput(f"{split}: not the training split that the run of {run_json} was trained on (the hashes differ)")


def check_split(path: Path, schema: pa.Schema, treated: Path, treated_hash: str) -> None:
    """Raise BadInput if the file at `path`, whose schema is `schema`, was made of another split than `treated`.

    `treated_hash` is the SHA-256 (hex) of `treated`.
    """
    if metadata_of(schema).get("inputs", {}).get("treated", treated_hash) != treated_hash:
        raise BadInput(f"{path}: of a run on another training split than {treated} (the hashes differ)")


def check_recorded(results: Path, run: Run, noisy: bool, hash_of: Callable[[Path], str] = sha256) -> None:
    """Raise BadInput unless all files of a run in the study's folder `results` were made of one training.

    The events, and for a run with label noise (`noisy`) the detectors, hold the hashes of the dynamics and of the
    training split that they were made of. `hash_of` returns the SHA-256 of a file. Runs share training splits, so a
    caller may give a function that hashes each file once.
    """
    run_json = results / run.record
    record = _read_record(run_json)
    paths = {"scores": results / run.scores, "treated": results / run.treated}
    _check(run_json, record, paths, {role: hash_of(path) for role, path in paths.items()})
    expected = {
        "dynamics": record["outputs"].get(run.dynamics.name),
        "scores": record["outputs"].get(run.scores.name),
        "treated": record["made"]["inputs"].get("treated"),
    }
    derived = {run.events: "events", **({run.detectors: "detectors", run.losses: "losses"} if noisy else {})}
    for path, schema in derived.items():
        with open_table(results / path, schema) as table:
            inputs = metadata_of(table.schema_arrow).get("inputs", {})
        for role, actual in inputs.items():
            if actual != expected.get(role):
                raise BadInput(f"{results / path}: made of other {role} than those of {run_json} (the hashes differ)")


def _read_record(run_json: Path) -> dict[str, Any]:
    """Read a run.json; raise BadInput if it does not have the hashes of outputs and inputs."""
    record = read_json(run_json)
    try:
        if all(isinstance(value, dict) for value in (record["outputs"], record["made"]["inputs"])):
            return dict(record)
    except (LookupError, TypeError):
        pass
    raise BadInput(f"{run_json}: found no outputs or inputs with their hashes; expected a run.json that settling wrote")
