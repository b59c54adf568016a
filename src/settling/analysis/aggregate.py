"""The aggregate stage: the tables of a study from the scores, events and detectors of all its runs."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import AfterValidator, ConfigDict, Field

from settling.analysis.caps import cap_table, class_thresholds
from settling.analysis.contrasts import contrasts, effects
from settling.analysis.estimates import ESTIMATE, estimate
from settling.analysis.measures import (
    RUN,
    SCORE,
    TREATMENT,
    as_measures,
    at_best_epoch,
    at_final_epoch,
    at_settled_epoch,
    first_learned_mean,
    forgotten,
    memorised,
    phase_table,
)
from settling.analysis.reading import progress, read_detector_tables, read_scores, read_splits, read_words
from settling.analysis.words import RunFrame, first_learned_table
from settling.config import Names, NoiseSeeds, Numbers
from settling.data.tasks import task_of
from settling.errors import BadInput, choices
from settling.layout import TABLES
from settling.model import Listed, Model
from settling.provenance import provenance
from settling.schemas import SCHEMAS
from settling.study import runs_of
from settling.tables import read_table, write_csv, write_table
from settling.treatments import KINDS, family_of
from settling.validation import Name, TreatmentName, check

DETECTOR = ["view", "detector", "selected_epoch", "rate", "metric"]
RUN_CURVE_METRICS = ["f1", "noisy_accuracy", "loss"]
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


class AnyTreatment(Model):
    """A treatment as `settling treat` takes it, without its noise seed."""

    model_config = ConfigDict(extra="allow")
    kind: Annotated[str, AfterValidator(_known_kind)]


class AggregateSpec(Model):
    """The spec that `settling.study.aggregate_spec` returns."""

    experiments: Annotated[list[Grid], Field(min_length=1)]
    treatments: dict[str, AnyTreatment]
    systems: dict[str, dict[str, Any]]
    own: tuple[Name, ...] = Field((), description="The data sets whose files are the user's own.")
    unfinished: tuple[str, ...] = ()


def aggregate(spec: dict[str, Any], results: Path, output: Path) -> None:
    """Write every table of the study in the folder `results` to the folder `output`, as Parquet and CSV.

    `spec` is what `settling.study.aggregate_spec` returns. Raises BadInput for a bad spec, for a missing or foreign
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
    """Read the files of all runs, and return every table of the study by name. The order of columns is not fixed."""
    check_spec(spec)
    treatments = spec["treatments"]
    runs = runs_of(spec["experiments"], treatments, spec.get("unfinished", ()))
    noisy = {name for name, treatment in treatments.items() if family_of(treatment) == "noise"}
    classes = sorted({treatment["class"] for treatment in treatments.values() if "class" in treatment})
    scores_of_runs, phases_of_runs = read_scores(results, runs, noisy)
    words = read_words(results, progress(runs), classes)
    splits = read_splits(results, runs)
    named = treatment_columns(splits, treatments)
    detectors_of_runs, losses_of_runs = read_detector_tables(results, (run for run in runs if run.treatment in noisy))

    scores = stacked("scores", scores_of_runs, named)
    phases = stacked("scores", phases_of_runs, named)
    learned = stacked("events", words.learned, named)
    forgetting = stacked("events", words.forgetting, named)
    detection = stacked("detectors", detectors_of_runs, named)
    losses = stacked("losses", losses_of_runs, named)
    final_and_best = pd.concat([at_final_epoch(scores), at_best_epoch(scores)])
    selected_epochs = pd.concat([final_and_best, at_settled_epoch(scores, phases)])
    measures = pd.concat(
        [
            selected_epochs[[*TREATMENT, *RUN, "selected_epoch", *SCORE, "value"]],
            as_measures(phases),
            memorised(selected_epochs),
            forgotten(forgetting),
            first_learned_mean(learned),
        ]
    )
    return {
        "datasets": dataset_table(splits, spec.get("own", ())),
        "systems": pd.DataFrame([{"system": name, **facts} for name, facts in spec["systems"].items()]),
        "treatments": stacked("treatments", splits, named),
        "measures": measures,
        "run_curves": run_curves(scores),
        "curves": estimate(scores, [*TREATMENT, "system", "epoch", *SCORE]),
        "summary": estimate(selected_epochs, [*TREATMENT, "system", "selected_epoch", *SCORE]),
        "effects": effects(final_and_best, treatments),
        "contrasts": contrasts(final_and_best, spec["systems"]),
        "phases": phase_table(phases),
        "first_learned": first_learned_table(learned),
        "forgetting": estimate(forgetting, [*TREATMENT, "system", "view", "counting", "noisy", "metric"]),
        "words": stacked("words", words.notable, named),
        "caps": cap_table(class_thresholds(measures)),
        "detection_runs": detection,
        "detection": estimate(detection, [*TREATMENT, "system", *DETECTOR]),
        "loss_histogram": estimate(losses, [*TREATMENT, "system", *BIN], value="share"),
    }


def check_spec(spec: dict[str, Any]) -> None:
    """Raise BadInput unless the spec has the keys of AggregateSpec and all that its experiments name."""
    expected_keys = [key for key, field in AggregateSpec.model_fields.items() if field.is_required()]
    if missing := [key for key in expected_keys if key not in spec]:
        expected = ", ".join(expected_keys)
        raise BadInput(f"spec: {', '.join(missing)}: missing; expected the keys {expected}")
    check(AggregateSpec, spec, "spec")
    for key in ("treatments", "systems"):
        if missing := sorted({name for block in spec["experiments"] for name in block[key]} - set(spec[key])):
            raise BadInput(f"spec: {key}: found no {missing[0]}, which the experiments name")


Named = dict[tuple[str, str], dict[str, Any]]


def stacked(schema: str, frames: Iterable[RunFrame], named: Named) -> pd.DataFrame:
    """Return the frames of runs under each other, each with the columns that name its run.

    `named` is what `treatment_columns` returns. Where there are no runs, the columns are those of the schema called
    `schema`.
    """
    stack = [
        frame.assign(**named[run.dataset, run.treatment], noise_seed=run.noise_seed, system=run.system, seed=run.seed)
        for run, frame in frames
    ]
    if not stack:
        return pd.DataFrame(columns=list(dict.fromkeys([*TREATMENT, *RUN, *SCHEMAS[schema].names])))
    return pd.concat(stack, ignore_index=True)


def treatment_columns(splits: Iterable[RunFrame], treatments: dict[str, dict[str, Any]]) -> Named:
    """Return the values of the columns TREATMENT by data set and treatment; one that a treatment does not have is null.

    The level of noise that has no nominal one is its effective rate, rounded to percent, the mean over noise seeds. It
    is at least 1, as 0 is clean. `splits` are the treated splits.
    """
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run, facts in splits:
        rates[run.dataset, run.treatment].append(float(facts["effective_rate"].iloc[0]))
    named = {}
    for (dataset, name), measured in rates.items():
        treatment = treatments[name]
        family, percent = family_of(treatment), treatment.get("percent")
        if family == "noise" and percent is None:
            percent = max(1, round(100 * sum(measured) / len(measured)))
        values = {
            "dataset": dataset,
            "treatment": name,
            "family": family,
            "kind": treatment["kind"],
            "percent": percent,
            "cap_class": treatment.get("class"),
            "cap_sentences": treatment.get("sentences"),
        }
        named[dataset, name] = {column: pd.NA if value is None else value for column, value in values.items()}
    return named


def run_curves(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores that are drawn run by run: RUN_CURVE_METRICS of all classes and of the capped class."""
    classes = (scores["class"] == "all") | (scores["class"] == scores["cap_class"].fillna(""))
    return scores[classes & scores["metric"].isin(RUN_CURVE_METRICS)]


def dataset_table(splits: Iterable[RunFrame], own: Collection[str]) -> pd.DataFrame:
    """Return what carries a label in each data set, from the task of its treated splits: the schema `datasets`.

    `own` has the names of the data sets whose files are the user's own.
    """
    tasks = {run.dataset: str(facts["task"].iloc[0]) for run, facts in splits}
    return pd.DataFrame(
        [
            {"dataset": dataset, "task": name, "unit": task_of(name).unit, "group": task_of(name).group}
            | {"own": dataset in own}
            for dataset, name in tasks.items()
        ]
    )
