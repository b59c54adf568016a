"""Check an artifact: its hashes, and that each thing in it follows from what lies before it."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settling import study as plan
from settling.analysis.aggregate import aggregate
from settling.analysis.claims import decide_claims
from settling.analysis.detection import detect
from settling.analysis.events import find_events
from settling.analysis.findings import write_findings
from settling.artifact.archive import unpacked
from settling.artifact.contents import names_of
from settling.artifact.stage import config_of
from settling.config import Study
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.plot import specification
from settling.figures.skipped import skipped
from settling.files import read_json, read_table, sha256

# Another machine adds numbers up in another order: relative differences below these are none.
TOLERANCE = {pa.float32(): 1e-5, pa.float64(): 1e-9}


class Check(NamedTuple):
    """What was checked, and what is wrong with it, if anything is."""

    what: str
    wrong: tuple[str, ...] = ()
    number: int = 1
    unchecked: str = ""


def verify(path: Path) -> tuple[str, bool]:
    """Check an artifact; return what agrees and what does not, in lines, and whether all of it agrees.

    Raises BadInput for a file that is no artifact, or that is not safe to read.
    """
    study = config_of(path)
    with unpacked(path) as (folder, manifest, altered), tempfile.TemporaryDirectory(prefix="settling.") as name:
        files = manifest["files"]
        checks = [
            Check("hashes", tuple(f"{file}: not what the manifest's hash is of" for file in altered), len(files)),
            Check("files", tuple(f"{file}: missing" for file in names_of(study) if file not in files), len(files)),
        ]
        if not checks[1].wrong:
            checks += recomputed(study, folder, Path(name), manifest["text_withheld"])
    lines = [line for check in checks for line in said(check)]
    good = not any(check.wrong for check in checks)
    return "\n".join([*lines, "all agrees" if good else "not all agrees"]), good


def said(check: Check) -> Iterator[str]:
    """Put a check in lines."""
    if check.unchecked:
        yield f"not checked  {check.what}: {check.unchecked}"
    elif check.wrong:
        yield from (f"differs      {check.what}: {wrong}" for wrong in check.wrong)
    else:
        yield f"agrees       {check.what} ({check.number})"


def recomputed(study: Study, folder: Path, scratch: Path, withheld: list[str]) -> Iterator[Check]:
    """Make everything anew from what lies before it in `folder`, in the folder `scratch`, and compare."""
    runs, named = plan.runs(study), plan.treatments(study)
    yield Check("runs", tuple(wrong for run in runs for wrong in of_run(study, folder, run)), len(runs))
    if study.publish.dynamics:
        noisy = [run for run in runs if plan.is_noisy(named[run.treatment])]
        yield Check("events", tuple(wrong for run in runs for wrong in of_events(folder, scratch, run)), len(runs))
        yield Check(
            "detectors", tuple(wrong for run in noisy for wrong in of_detectors(folder, scratch, run)), len(noisy)
        )
    else:
        yield Check("events and detectors", unchecked="the artifact holds no dynamics, only their hashes")
    tables = scratch / "tables"
    wrong = attempted("tables", lambda: aggregate(json.loads(plan.aggregate_spec(study)), folder, tables))
    if wrong:
        yield Check("tables", wrong)
        return
    names = plan.TABLES
    yield Check(
        "tables", tuple(compared(folder, scratch, [(f"tables/{name}.parquet", name) for name in names])), len(names)
    )
    (tables / "quotes.parquet").symlink_to(folder / "tables" / "quotes.parquet")
    wrong = attempted("claims", lambda: decide_claims(folder / "claims.json", tables, scratch / "claims"))
    found = () if wrong else tuple(compared(folder, scratch, [("claims/claims.parquet", "claims")]))
    card = () if wrong else texts(folder, scratch, ["claims/claims.txt"])
    yield Check("claims", (*wrong, *found, *card), read_table(folder / "claims/claims.parquet", "claims").num_rows)
    write_findings(tables, scratch / "findings.txt")
    yield Check("findings", texts(folder, scratch, ["findings.txt"]))
    figures = sorted(FIGURES.keys() - skipped(study))
    yield Check(
        "figures", tuple(wrong for figure in figures for wrong in of_figure(folder, tables, figure)), len(figures)
    )
    if withheld:
        yield Check("quotes", unchecked=f"the text of {', '.join(withheld)} is not passed on")


def attempted(what: str, make: Callable[[], object]) -> tuple[str, ...]:
    """Make something; return why it cannot be made."""
    try:
        make()
    except BadInput as error:
        return tuple(f"{what} cannot be made: {line}" for line in str(error).splitlines())
    return ()


def of_run(study: Study, folder: Path, run: plan.Run) -> Iterator[str]:
    """Yield what is wrong with a run's card: its recipe, and the hashes of what went in and came out."""
    card = read_json(folder / run.card)
    try:
        made, outputs = card["made"], card["outputs"]
        if made["spec"] != {**json.loads(plan.training_spec(study, run.system)), "seed": run.seed}:
            yield f"{run.card}: trained with another recipe than the configuration's"
        if made["inputs"]["treated"] != sha256(folder / run.treated):
            yield f"{run.treated}: not the training split that {run.card} is of"
        for name, found in outputs.items():
            path = folder / run.folder / name
            if path.exists() and sha256(path) != found:
                yield f"{run.folder / name}: not what {run.card} says that the run wrote"
    except (KeyError, TypeError, AttributeError) as error:
        yield f"{run.card}: lacks {error}"


def of_events(folder: Path, scratch: Path, run: plan.Run) -> Iterator[str]:
    """Yield what is wrong with a run's events, by its dynamics."""
    dynamics, treated = folder / run.dynamics, folder / run.treated
    wrong = attempted(str(run.events), lambda: find_events(dynamics, treated, scratch / run.events))
    yield from wrong or compared(folder, scratch, [(str(run.events), "events")])


def of_detectors(folder: Path, scratch: Path, run: plan.Run) -> Iterator[str]:
    """Yield what is wrong with what a run's detectors found, by its dynamics."""
    dynamics, treated, scores = (folder / path for path in (run.dynamics, run.treated, run.scores))
    output = scratch / run.detectors.parent
    wrong = attempted(str(run.detectors), lambda: detect(dynamics, treated, scores, output))
    yield from wrong or compared(folder, scratch, [(str(run.detectors), "detectors"), (str(run.losses), "losses")])


def of_figure(folder: Path, tables: Path, figure: str) -> Iterator[str]:
    """Yield what is wrong with a figure's specification, by the tables."""
    file = f"figures/{figure}.json"
    if json.loads(specification(figure, tables)) != read_json(folder / file):
        yield f"{file}: not what the tables give"


def texts(folder: Path, scratch: Path, names: list[str]) -> tuple[str, ...]:
    """Return which texts are not as made anew."""
    return tuple(
        f"{name}: not what the tables give"
        for name in names
        if (folder / name).read_bytes() != (scratch / name).read_bytes()
    )


def compared(folder: Path, scratch: Path, tables: list[tuple[str, str]]) -> Iterator[str]:
    """Yield where tables, by name and schema, are not as made anew."""
    for name, schema in tables:
        found = difference(read_table(folder / name, schema), read_table(scratch / name, schema))
        if found:
            yield f"{name}: {found}"


def difference(found: pa.Table, expected: pa.Table) -> str | None:
    """Return where two tables of one schema first differ; floats may by their `TOLERANCE`."""
    if len(found) != len(expected):
        return f"{len(found)} rows; made anew it has {len(expected)}"
    for field in found.schema:
        ours, theirs = found[field.name], expected[field.name]
        if pa.types.is_dictionary(field.type):
            ours, theirs = (column.cast(field.type.value_type) for column in (ours, theirs))
        if field.type in TOLERANCE:
            near = np.isclose(ours.to_numpy(), theirs.to_numpy(), rtol=TOLERANCE[field.type], atol=0, equal_nan=True)
            same = pa.array(near)
        else:
            both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
            same = pc.or_(pc.fill_null(pc.equal(ours, theirs), False), both_null)
        row = pc.index(same, False).as_py()
        if row >= 0:
            return f"row {row + 1}, {field.name}: found {ours[row]}; made anew it is {theirs[row]}"
    return None
