"""Check an artifact: its hashes, and that each thing in it follows from what lies before it."""

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from settling import study as plan
from settling.analysis.aggregate import aggregate
from settling.analysis.events import find_events
from settling.analysis.findings import write_findings
from settling.analysis.quotes import WORD
from settling.artifact.archive import shown, temporary, unpacked
from settling.artifact.build import README
from settling.artifact.contents import BESIDE, names_of, withheld
from settling.artifact.crate import METADATA
from settling.artifact.differences import compared, texts
from settling.artifact.stage import config_of
from settling.canonical import digest
from settling.claims.claim import read_claims
from settling.claims.decide import decide_claims
from settling.config import Study
from settling.detectors.detect import detect
from settling.errors import BadInput, one_line
from settling.figures import FIGURES
from settling.figures.plot import specification, vector
from settling.figures.skipped import list_skipped, skipped
from settling.files import metadata_of, open_table, read_json, read_table, sha256
from settling.frames import read_frame
from settling.stages import in_order
from settling.treatments import family_of

SCHEMA_OF = {"dynamics.parquet": "dynamics", "scores.parquet": "scores"}
NUMBER = re.compile(r"[\d.]+")
# A word's hash, or a word that neither of two merged artifacts quotes.
HASHED = r"#[0-9a-f]{12}|\?"


class Check(NamedTuple):
    """What was checked, and what is wrong with it, if anything is."""

    what: str
    wrong: tuple[str, ...] = ()
    number: int = 1
    unchecked: str = ""


def verify(path: Path, claims: Path | None = None) -> tuple[str, bool]:
    """Check an artifact; return what agrees and what does not, in lines, and whether all of it agrees.

    `claims` is the file whose claims the artifact should have decided; without it they are taken as they are. Raises
    BadInput for a file that is no artifact, or that is not safe to read.
    """
    study = config_of(path)
    with unpacked(path) as (folder, manifest, altered), temporary() as room:
        files = manifest["files"]
        expected = {*names_of(study), *BESIDE}
        missing = [f"{file}: missing" for file in sorted(expected - files.keys())]
        foreign = [f"{file}: not a file of this study" for file in sorted(files.keys() - expected)]
        checks = [
            Check("hashes", tuple(f"{file}: not what the manifest's hash is of" for file in altered), len(files)),
            Check("files", (*missing, *foreign), len(files)),
            Check("manifest", tuple(of_manifest(study, manifest))),
        ]
        if not missing:
            checks += recomputed(study, folder, room, claims)
            checks += described(study, folder, files)
    lines = [one_line(line) for check in checks for line in said(check)]
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


def of_manifest(study: Study, manifest: dict[str, Any]) -> Iterator[str]:
    """Yield what the manifest says that the configuration does not."""
    for key, expected in (("study", study.study), ("text_withheld", withheld(study))):
        if manifest.get(key) != expected:
            yield f"{key}: found {shown(str(manifest.get(key)))}, expected {expected}"


def described(study: Study, folder: Path, files: Mapping[str, str]) -> Iterator[Check]:
    """Check what the artifact says of itself, and list what nothing in it can tell."""
    expected = {"README.md": README.format(study=study.study), "figures/not_drawn.txt": list_skipped(study)}
    wrong = [f"{name}: not what the study gives" for name in expected if read_text(folder / name) != expected[name]]
    named = {entity["@id"] for entity in read_json(folder / METADATA)["@graph"]}
    wrong += [f"{METADATA}: does not name {name}" for name in sorted(files.keys() - named - {METADATA})]
    yield Check("descriptions", tuple(wrong), len(files))
    yield Check("origins", unchecked="cards of data sets, machines, times, versions, commits, lock and Snakefile")


def read_text(path: Path) -> str:
    """Return a text; what is not UTF-8 in it as no text of settling's."""
    return path.read_text(encoding="utf-8", errors="replace")


def recomputed(study: Study, folder: Path, scratch: Path, shipped: Path | None) -> Iterator[Check]:
    """Make everything anew from what lies before it in `folder`, in the folder `scratch`, and compare.

    Where the tables cannot be made, nothing that is made from them is checked.
    """
    tables = scratch / "tables"
    of_runs = {"train": checked_runs(study, folder), **checked_dynamics(study, folder, scratch)}
    yield from itertools.chain(*in_order(of_runs))
    if wrong := attempted("tables", lambda: aggregate(json.loads(plan.aggregate_spec(study)), folder, tables)):
        yield Check("tables", wrong)
        return
    (tables / "quotes.parquet").symlink_to(folder / "tables" / "quotes.parquet")
    of_tables = {
        "aggregate": checked_tables(folder, scratch),
        "quote": checked_quotes(study, folder),
        "plot": checked_figures(study, folder, tables),
        "claims": checked_claims(folder, scratch, shipped),
        "findings": checked_findings(folder, scratch),
    }
    yield from itertools.chain(*in_order(of_tables))


def checked_runs(study: Study, folder: Path) -> Iterator[Check]:
    """Check the cards of the runs, and that no run is a copy of another."""
    runs = plan.runs(study)
    wrong = [wrong for run in runs for wrong in of_run(study, folder, run)]
    yield Check("runs", (*wrong, *copies(folder, runs)), len(runs))


def checked_dynamics(study: Study, folder: Path, scratch: Path) -> dict[str, Iterator[Check]]:
    """Return by stage the checks of what is made of the dynamics, or what cannot be checked without them."""
    if not study.publish.dynamics:
        return {
            "events": iter(
                [Check("events and detectors", unchecked="the artifact holds no dynamics, only their hashes")]
            )
        }
    runs, named = plan.runs(study), plan.treatments(study)
    noisy = [run for run in runs if family_of(named[run.treatment]) == "noise"]

    def checks(what: str, of: Callable[[Path, Path, plan.Run], Iterator[str]], runs: list[plan.Run]) -> Iterator[Check]:
        yield Check(what, tuple(wrong for run in runs for wrong in of(folder, scratch, run)), len(runs))

    return {"events": checks("events", of_events, runs), "detect": checks("detectors", of_detectors, noisy)}


def checked_tables(folder: Path, scratch: Path) -> Iterator[Check]:
    """Check the tables against those made anew in `scratch`."""
    names = [(f"tables/{name}.parquet", name) for name in plan.TABLES]
    yield Check("tables", tuple(compared(folder, scratch, names)), len(names))


def checked_quotes(study: Study, folder: Path) -> Iterator[Check]:
    """Check that the quotes are of the tables' words, and show no text that is not passed on."""
    quotes, words = (read_frame(folder / "tables" / f"{name}.parquet", name) for name in ("quotes", "words"))
    yield Check("quotes", tuple(of_quotes(quotes, words, withheld(study))), len(quotes))
    if withheld(study):
        yield Check("words of quotes", unchecked=f"the text of {', '.join(withheld(study))} is not passed on")


def checked_figures(study: Study, folder: Path, tables: Path) -> Iterator[Check]:
    """Check the figures against those drawn anew."""
    figures = sorted(FIGURES.keys() - skipped(study))
    wrong = tuple(wrong for figure in figures for wrong in of_figure(folder, tables, figure))
    yield Check("figures", wrong, len(figures))


def checked_claims(folder: Path, scratch: Path, shipped: Path | None) -> Iterator[Check]:
    """Decide the claims anew and compare; compare their tests with those of the file `shipped`, where there is one."""
    claims, tables = folder / "claims.json", scratch / "tables"
    wrong = attempted("claims", lambda: decide_claims(claims, tables, scratch / "claims"))
    other = () if shipped is None else tuple(of_claims(claims, shipped))
    found = () if wrong else tuple(compared(folder, scratch, [("claims/claims.parquet", "claims")]))
    card = () if wrong else texts(folder, scratch, ["claims/claims.txt"])
    number = read_table(folder / "claims/claims.parquet", "claims").num_rows
    yield Check("claims", (*wrong, *other, *found, *card), number)
    if shipped is None:
        yield Check("the claims' tests", unchecked="no file of claims is at hand; see --claims")


def checked_findings(folder: Path, scratch: Path) -> Iterator[Check]:
    """Say anew what the study found, and compare."""
    write_findings(scratch / "tables", scratch / "findings.txt")
    yield Check("findings", texts(folder, scratch, ["findings.txt"]))


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
        recipe = study.systems[run.system].model_dump(mode="json", exclude={"resources"})
        if card["identity"] != digest(recipe, run.seed, made["inputs"], made["code"]):
            yield f"{run.card}: identity: not that of its recipe, seed, inputs and code"
        if outputs.keys() != SCHEMA_OF.keys():
            yield f"{run.card}: outputs: found {', '.join(sorted(outputs))}; expected {', '.join(SCHEMA_OF)}"
        for name, schema in SCHEMA_OF.items():
            path = folder / run.folder / name
            if not path.exists():
                continue
            if sha256(path) != outputs.get(name):
                yield f"{run.folder / name}: not what {run.card} says that the run wrote"
            with open_table(path, schema) as table:
                by = metadata_of(table.schema_arrow)
            if {key: by.get(key) for key in made} != made:
                yield f"{run.folder / name}: made by another run than {run.card} says"
    except (KeyError, TypeError, AttributeError) as error:
        yield f"{run.card}: lacks {error}"


def copies(folder: Path, runs: list[plan.Run]) -> Iterator[str]:
    """Yield the runs whose scores equal those of another seed or noise seed, so that one of the two was not trained."""
    seen: dict[tuple[str, ...], plan.Run] = {}
    for run in runs:
        values = read_table(folder / run.scores, "scores")["value"].to_numpy().tobytes()
        key = (run.dataset, run.treatment, run.system, hashlib.sha256(values).hexdigest())
        if key in seen:
            yield f"{run.scores}: the values of {seen[key].scores}"
        seen[key] = run


def of_claims(found: Path, shipped: Path) -> Iterator[str]:
    """Yield that an artifact's claims are not those of a file, if so: a test may have been softened."""
    ours, theirs = (
        {claim.id: claim.model_dump(mode="json") for claim in read_claims(path)} for path in (found, shipped)
    )
    for name in sorted(ours.keys() | theirs):
        if ours.get(name) != theirs.get(name):
            yield f"claims.json: {name}: not as in {shipped}"


def of_quotes(quotes: pd.DataFrame, words: pd.DataFrame, hidden: list[str]) -> Iterator[str]:
    """Yield the quotes that are of no word of the tables, missing, there twice, or show text that may not be shown."""
    both = quotes.merge(words[WORD].drop_duplicates(), on=WORD, how="outer")
    if quotes.duplicated(WORD).any() or len(both) != len(quotes):
        yield "tables/quotes.parquet: not one row for each word of tables/words.parquet"
    rows = quotes[quotes["dataset"].isin(hidden)]
    bare = (rows["before"] == "") & (rows["after"] == "") & rows["token"].str.fullmatch(HASHED)
    for at in rows.index[~bare.astype(bool)]:
        yield f"tables/quotes.parquet: row {at + 1}: text of {rows.loc[at, 'dataset']}, which is not passed on"


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
    """Yield what is wrong with a figure's JSON and SVG, by the tables."""
    file, text = f"figures/{figure}.json", specification(figure, tables)
    if json.loads(text) != read_json(folder / file):
        yield f"{file}: not what the tables give"
    if FIGURES[figure].is_table:
        return
    # Another machine's fonts move things, and draw the same.
    found, expected = (NUMBER.sub("", svg) for svg in (read_text((folder / file).with_suffix(".svg")), vector(text)))
    if found != expected:
        yield f"figures/{figure}.svg: not what the tables give"
