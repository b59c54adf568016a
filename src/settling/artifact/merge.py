"""Put two artifacts of one study with different seeds together."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from settling import layout
from settling import study as plan
from settling.analysis.aggregate import aggregate
from settling.analysis.findings import write_findings
from settling.analysis.quotes import WORD
from settling.artifact.archive import FOREIGN, blaming, refuse_altered, temporary, unpack
from settling.artifact.build import build
from settling.artifact.stage import config_of
from settling.claims.decide import decide_claims
from settling.config import Study, load
from settling.errors import BadInput, cut, one_line
from settling.figures import FIGURES
from settling.figures.plot import plot
from settling.figures.skipped import list_skipped, skipped
from settling.files import read_json, write_text
from settling.frames import read_frame
from settling.schemas import SCHEMAS
from settling.stages import in_order
from settling.tables import metadata_of, read_table, write_table

# Of a word that neither artifact quotes.
UNQUOTED = {"before": "", "token": "?", "after": ""}


def merge(first: Path, second: Path, output: Path) -> None:
    """Write the artifact of the study with the runs of both to `output`, its tables, claims and figures made anew.

    Raises BadInput where the two are not of one study but for their seeds, where they differ in what both have, where
    one has no run that the other lacks, where runs are missing for the seeds of both together, and for a file that is
    no artifact, or is not safe to read.
    """
    paths = (first, second)
    studies = [config_of(path) for path in paths]
    study = together(paths, studies)
    with temporary() as one, temporary() as other, temporary() as results:
        for path, folder in zip(paths, (one, other), strict=True):
            with blaming(path, folder):
                refuse_altered(path, unpack(path, folder)[1])
        collect(study, paths, (one, other), results)
        refuse_nothing_new(paths, studies)
        for file in (layout.CLAIMS, layout.SNAKEFILE, layout.LOCK):
            if (one / file).read_bytes() != (other / file).read_bytes():
                raise BadInput(f"{second}: {file}: not as in {first}")
        try:
            redraw(study, (one, other), results)
        except (BadInput, *FOREIGN) as error:
            # Each is drawn alone, which shows in which of the two the fault is.
            for path, alone, folder in zip(paths, studies, (one, other), strict=True):
                with blaming(path, folder):
                    redraw(alone, (folder,), folder)
            message = cut(one_line(str(error).replace(f"{results}/", "")))
            raise BadInput(
                f"{first} and {second}: cannot be drawn together ({type(error).__name__}: {message})"
            ) from error
        spec = plan.study_spec(study)
        build(
            spec,
            results,
            one / layout.CLAIMS,
            one / layout.LOCK,
            one / layout.SNAKEFILE,
            output,
            text_is_withheld=True,
        )


def together(paths: Iterable[Path], studies: list[Study]) -> Study:
    """Return the configuration of both, with the seeds of both; raise BadInput where they differ in more than seeds."""
    one, other = (plan.study_spec(study) for study in studies)
    first, second = paths
    seeds: list[dict[str, list[int]]] = [seeds_of(values) for values in (one, other)]
    for values in (one, other):
        values["seeds"] = []
        for experiment in values["experiments"].values():
            experiment["seeds"] = None
    if one != other:
        key = next(key for key in one if one[key] != other.get(key))
        raise BadInput(f"{second}: {layout.CONFIGURATION}: {key}: not as in {first}; only seeds may differ")
    one["seeds"] = sorted({seed for found in seeds for seed in found["seeds"]})
    for name, experiment in one["experiments"].items():
        experiment["seeds"] = sorted({seed for found in seeds for seed in found[name]})
    return load(one, "the configuration of both")


def refuse_nothing_new(paths: tuple[Path, Path], studies: list[Study]) -> None:
    """Raise BadInput where one of two artifacts has no run that the other lacks."""
    one, other = (set(plan.runs(study)) for study in studies)
    if one == other:
        seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in one}))
        raise BadInput(f"{paths[1]}: nothing new: both have seeds {seeds}")
    for path, beside, less in ((paths[1], paths[0], other < one), (paths[0], paths[1], one < other)):
        if less:
            raise BadInput(f"{path}: nothing new: all of its runs are in {beside}")


def seeds_of(values: dict[str, Any]) -> dict[str, list[int]]:
    """Return the seeds of a configuration, and of each of its experiments."""
    found = {name: block["seeds"] or values["seeds"] for name, block in values["experiments"].items()}
    return {**found, "seeds": values["seeds"]}


def collect(study: Study, paths: tuple[Path, Path], folders: tuple[Path, Path], results: Path) -> None:
    """Copy what was recorded of the runs of both to the folder `results`; raise BadInput where the two contradict."""
    first, second = paths
    wanted = [
        *plan.recorded(study),
        *(str(run.dynamics) for run in plan.runs(study) if study.publish.dynamics),
    ]
    for name in sorted(set(wanted) - {layout.QUOTES}):
        found = [folder / name for folder in folders if (folder / name).exists()]
        if not found:
            raise BadInput(f"{first} and {second}: both lack {name}, which the seeds of both together ask for")
        if len(found) == 2 and not alike(*found):
            raise BadInput(f"{second}: {name}: not as in {first}")
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[0], results / name)


def alike(one: Path, other: Path) -> bool:
    """Return whether two files are the same; two records of a run may differ in when and how fast it ran."""
    if one.name == Path(layout.RUN_RECORD).name:
        return bool(read_json(one)["identity"] == read_json(other)["identity"])
    return one.read_bytes() == other.read_bytes()


def redraw(study: Study, folders: Sequence[Path], results: Path) -> None:
    """Make the tables, quotes, figures, claims and findings of the study in the folder `results`."""
    tables = results / layout.TABLES_FOLDER
    makers: dict[str, Callable[[], object]] = {
        "aggregate": lambda: aggregate(plan.aggregate_spec(study), results, tables),
        "quote": lambda: put_quotes_together(folders, tables),
        "plot": lambda: draw(study, results),
        "claims": lambda: decide_claims(folders[0] / layout.CLAIMS, tables, results / layout.VERDICTS_FOLDER),
        "findings": lambda: write_findings(tables, results / layout.FINDINGS),
    }
    for make in in_order(makers):
        make()


def put_quotes_together(folders: Sequence[Path], tables: Path) -> None:
    """Write the quotes that artifacts have of the words that the folder `tables` points at."""
    files = [folder / layout.QUOTES for folder in folders]
    quotes = pd.concat([read_frame(file, "quotes") for file in files]).drop_duplicates(WORD)
    words = read_frame(tables / "words.parquet", "words")[WORD].drop_duplicates()
    quoted = words.merge(quotes, on=WORD, how="left").fillna(UNQUOTED).sort_values(WORD)
    made = metadata_of(read_table(files[0], "quotes").schema)
    columns = {name: quoted[name].to_numpy() for name in SCHEMAS["quotes"].names}
    write_table(tables / "quotes.parquet", "quotes", columns, made)


def draw(study: Study, results: Path) -> None:
    """Draw the figures of the study from its tables, and list those that it has no runs for."""
    plot(FIGURES.keys() - skipped(study), results / layout.TABLES_FOLDER, results / layout.FIGURES_FOLDER)
    write_text(results / layout.NOT_DRAWN, list_skipped(study))
