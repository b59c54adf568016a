"""The aggregate stage: the tables of a study from the scores, events and detectors of all its runs."""

import functools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import AfterValidator, ConfigDict, Field

from settling.analysis.caps import cap_table, knees
from settling.analysis.contrasts import contrasts, effects
from settling.analysis.estimates import ESTIMATE, estimate
from settling.analysis.lineage import check_recorded
from settling.analysis.measures import (
    RUN,
    SCORE,
    TREATMENT,
    best,
    final,
    first_learned_mean,
    forgotten,
    memorised,
    phase_table,
    run_phases,
    settled,
    whole,
)
from settling.analysis.words import RunFrame, first_learned, read_words
from settling.config import Names, NoiseSeeds, Numbers
from settling.errors import BadInput, choices
from settling.frames import as_frame, read_frame
from settling.layout import TABLES, Run
from settling.model import Listed, Model
from settling.provenance import provenance, sha256
from settling.schemas import SCHEMAS
from settling.study import runs_of
from settling.tables import metadata_of, open_table, read_table, write_csv, write_table
from settling.treatments import KINDS, family_of
from settling.validation import TreatmentName, check

DETECTOR = ["view", "detector", "selected_epoch", "rate", "metric"]
CURVES = ["f1", "noisy_accuracy", "loss"]
BIN = ["view", "selected_epoch", "noisy", "low_edge", "high_edge"]


class Grid(Model):
    """An experiment, with the names of all its treatments."""

    datasets: Names
    treatments: Annotated[list[TreatmentName], Listed]
    systems: Names
    seeds: Numbers
    noise_seeds: NoiseSeeds


def _known_kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"found {name!r}; {choices(name, KINDS)}")
    return name


class Treated(Model):
    """A treatment as `treat` takes it, but its noise seed."""

    model_config = ConfigDict(extra="allow")
    kind: Annotated[str, AfterValidator(_known_kind)]


class Spec(Model):
    """What `settling.study.aggregate_spec` returns."""

    experiments: Annotated[list[Grid], Field(min_length=1)]
    treatments: dict[str, Treated]
    systems: dict[str, dict[str, Any]]


def aggregate(spec: dict[str, Any], results: Path, output: Path) -> None:
    """Write every table of the study in the folder `results` to the folder `output`, as Parquet and CSV.

    `spec` is what `settling.study.aggregate_spec` returns. Raises BadInput for a missing or foreign
    file, and where the files of a run were not all made of one training.
    """
    tables = make_tables(spec, results)
    for name in TABLES:
        table = tables[name][SCHEMAS[name].names]
        table = table.sort_values([column for column in table if column not in ESTIMATE], kind="stable")
        columns = {column: table[column].to_numpy() for column in table}
        write_table(output / f"{name}.parquet", name, columns, provenance("aggregate", spec, {}))
        write_csv(output / f"{name}.csv", read_table(output / f"{name}.parquet", name))


def make_tables(spec: dict[str, Any], results: Path) -> dict[str, pd.DataFrame]:
    """Return every table of the study by name, the columns of each in any order."""
    if missing := [key for key in Spec.model_fields if key not in spec]:
        raise BadInput(f"spec: {', '.join(missing)}: missing; expected the keys {', '.join(Spec.model_fields)}")
    check(Spec, spec, "spec")
    for key in ("treatments", "systems"):
        if missing := sorted({name for block in spec["experiments"] for name in block[key]} - set(spec[key])):
            raise BadInput(f"spec: {key}: found no {missing[0]}, which the experiments name")
    treated = spec["treatments"]
    runs = runs_of(spec["experiments"], treated)
    noisy = {name for name, treatment in treated.items() if family_of(treatment) == "noise"}
    noisy_runs = [run for run in runs if run.treatment in noisy]
    classes = sorted({treatment["class"] for treatment in treated.values() if "class" in treatment})

    read: list[RunFrame] = []
    found: list[RunFrame] = []
    hash_of = functools.cache(sha256)
    for run in progress(runs):
        check_recorded(results, run, run.treatment in noisy, hash_of)
        table = read_table(results / run.scores, "scores")
        read.append((run, as_frame(table)))
        found.append((run, run_phases(results / run.scores, table, results / run.treated)))
    scores, phases = (collect("scores", frames, treated) for frames in (read, found))
    last_and_best = pd.concat([final(scores), best(scores)])
    selected_epochs = pd.concat([last_and_best, settled(scores, phases)])
    words = read_words(results, progress(runs), classes)
    learned, counted = (collect("events", frames, treated) for frames in (words.learned, words.forgetting))
    of_runs = [whole(phases), memorised(selected_epochs), forgotten(counted), first_learned_mean(learned)]
    measures = pd.concat([selected_epochs[[*TREATMENT, *RUN, "selected_epoch", *SCORE, "value"]], *of_runs])
    detection = collect(
        "detectors", ((run, read_frame(results / run.detectors, "detectors")) for run in noisy_runs), treated
    )
    losses = collect("losses", ((run, read_frame(results / run.losses, "losses")) for run in noisy_runs), treated)
    return {
        "systems": pd.DataFrame([{"system": name, **card} for name, card in spec["systems"].items()]),
        "treatments": treatments(results, runs, treated),
        "measures": measures,
        "run_curves": run_curves(scores),
        "curves": estimate(scores, [*TREATMENT, "system", "epoch", *SCORE]),
        "summary": estimate(selected_epochs, [*TREATMENT, "system", "selected_epoch", *SCORE]),
        "effects": effects(last_and_best, treated),
        "contrasts": contrasts(last_and_best, spec["systems"]),
        "phases": phase_table(phases),
        "first_learned": first_learned(learned),
        "forgetting": estimate(counted, [*TREATMENT, "system", "view", "counting", "noisy", "metric"]),
        "words": collect("words", words.notable, treated),
        "caps": cap_table(knees(measures)),
        "detection_runs": detection,
        "detection": estimate(detection, [*TREATMENT, "system", *DETECTOR]),
        "loss_histogram": estimate(losses, [*TREATMENT, "system", *BIN], value="share"),
    }


def progress(runs: list[Run]) -> Iterator[Run]:
    """Go through runs, with a line after every hundred."""
    for number, run in enumerate(runs, 1):
        yield run
        if number % 100 == 0:
            print(f"read {number}/{len(runs)} runs", file=sys.stderr)


def collect(name: str, frames: Iterable[RunFrame], treated: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Put the frames of runs under each other, each with what names its run.

    Where there are no runs, the columns are those of the schema called `name`.
    """
    named = [
        frame.assign(**describe(run, treated), noise_seed=run.noise_seed, system=run.system, seed=run.seed)
        for run, frame in frames
    ]
    if not named:
        return pd.DataFrame(columns=list(dict.fromkeys([*TREATMENT, *RUN, *SCHEMAS[name].names])))
    return pd.concat(named, ignore_index=True)


def describe(run: Run, treated: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the columns that say what a run's treatment was."""
    treatment = treated[run.treatment]
    values = {
        "dataset": run.dataset,
        "treatment": run.treatment,
        "family": family_of(treatment),
        "kind": treatment["kind"],
        "percent": treatment.get("percent"),
        "cap_class": treatment.get("class"),
        "cap_sentences": treatment.get("sentences"),
    }
    return {name: pd.NA if value is None else value for name, value in values.items()}


def run_curves(scores: pd.DataFrame) -> pd.DataFrame:
    """Return of the scores of all runs those that are looked at run by run."""
    classes = (scores["class"] == "all") | (scores["class"] == scores["cap_class"].fillna(""))
    return scores[classes & scores["metric"].isin(CURVES)]


def treatments(results: Path, runs: list[Run], treated: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return what each noise seed of each treatment did, from the metadata of the treated splits."""
    rows = []
    for run in {(run.dataset, run.treatment, run.noise_seed): run for run in runs}.values():
        with open_table(results / run.treated, "treated") as file:
            made, words = metadata_of(file.schema_arrow), file.metadata.num_rows
        figures = ("sentences", "nominal_rate", "effective_rate", "settled_f1")
        rows.append(
            {
                **describe(run, treated),
                "noise_seed": run.noise_seed,
                "words": words,
                **{name: made[name] for name in figures},
            }
        )
    return pd.DataFrame(rows)
