"""Whether the files of a run belong together, by the hashes that its run.json and the files themselves hold.

A file that was put in another's place, such as the dynamics of another seed, is found here before anything is computed.
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


def check_run(card: Path, paths: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
    """Raise BadInput unless the run whose run.json is `card` was trained on `treated` and wrote the other files.

    `paths` has the files by what they are to the run (`treated`, `dynamics`, `scores`), `hashes` their SHA-256.
    """
    _check(card, _stated(card), paths, hashes)


def _check(card: Path, stated: dict[str, Any], paths: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
    for role, path in paths.items():
        if role == "treated":
            continue
        if (found := hashes[role]) != (expected := stated["outputs"].get(path.name)):
            raise BadInput(f"{path}: not what the run wrote: found SHA-256 {found}, {card} says {expected}")
    if hashes["treated"] != stated["made"]["inputs"].get("treated"):
        where = paths["treated"]
        raise BadInput(f"{where}: not the training split that the run of {card} was trained on (the hashes differ)")


def check_split(path: Path, schema: pa.Schema, treated: Path) -> None:
    """Raise BadInput where the metadata in `schema`, of the file at `path`, tells of another split than `treated`."""
    here = sha256(treated)
    if metadata_of(schema).get("inputs", {}).get("treated", here) != here:
        raise BadInput(f"{path}: of a run on another training split than {treated} (the hashes differ)")


def check_recorded(results: Path, run: Run, noisy: bool, hash_of: Callable[[Path], str] = sha256) -> None:
    """Raise BadInput unless what the study's folder `results` holds of a run was all made of that one training.

    Its events, and where it has noise its detectors, say by hash which dynamics and which training split they are of.
    `hash_of` gives the SHA-256 of a file; runs share training splits, which need not be read for each.
    """
    card = results / run.record
    stated = _stated(card)
    paths = {"scores": results / run.scores, "treated": results / run.treated}
    _check(card, stated, paths, {role: hash_of(path) for role, path in paths.items()})
    expected = {
        "dynamics": stated["outputs"].get(run.dynamics.name),
        "scores": stated["outputs"].get(run.scores.name),
        "treated": stated["made"]["inputs"].get("treated"),
    }
    made = {run.events: "events", **({run.detectors: "detectors", run.losses: "losses"} if noisy else {})}
    for path, schema in made.items():
        with open_table(results / path, schema) as table:
            inputs = metadata_of(table.schema_arrow).get("inputs", {})
        for role, found in inputs.items():
            if found != expected.get(role):
                raise BadInput(f"{results / path}: made of other {role} than those of {card} (the hashes differ)")


def _stated(card: Path) -> dict[str, Any]:
    """Read a run.json; raise BadInput where it is none."""
    stated = read_json(card)
    try:
        if all(isinstance(value, dict) for value in (stated["outputs"], stated["made"]["inputs"])):
            return dict(stated)
    except (LookupError, TypeError):
        pass
    raise BadInput(f"{card}: found no outputs or inputs with their hashes; expected a run.json that settling wrote")
