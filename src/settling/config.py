"""The study's configuration: one type, checked once, printed back in canonical form.

`load` turns the mapping read from YAML into a `Study` or raises BadInput naming the key, what was found and
what was expected. Every field that steers what comes out of a step is part of its spec; defaults are left out of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import Field, field_validator

from settling.data.checkpoint_keys import Checkpoint
from settling.data.keys import Dataset
from settling.data.tasks import task_of
from settling.documents import Written, read_document
from settling.errors import BadInput, choices
from settling.layout import CHECKPOINTS, FROM_ARTIFACT
from settling.model import MAX_RUNS_PER_JOB, NUMBER, Count, Listed, Model, any_of
from settling.systems import any_recipe
from settling.systems import kind_of as system_kind
from settling.treatments import KINDS as TREATMENTS
from settling.treatments import kind_of as treatment_kind
from settling.validation import Name, check, refused

if TYPE_CHECKING:
    from settling.training.recipe import Recipe as AnyRecipe
    from settling.treatments.kind import Keys as TreatmentKeys
else:
    # Each kind has its keys in its own file. A checker of types sees what they have in common.
    AnyRecipe = any_recipe()
    TreatmentKeys = any_of([kind.keys for kind in map(treatment_kind, TREATMENTS) if kind.keys is not None])

Names = Annotated[list[Name], Listed]
Numbers = Annotated[list[Count], Listed]
NoiseSeeds = Numbers | Literal["same-as-seed"]


class Experiment(Model):
    """Every combination of data sets, treatments, noise seeds, systems and seeds."""

    datasets: Names = Field(description="Names under `datasets`.")
    treatments: Names = Field(description="Names under `treatments`, and `clean`.")
    systems: Names = Field(description="Names under `systems`.")
    seeds: Numbers | None = Field(None, description="Training seeds. By default the study's.")
    noise_seeds: NoiseSeeds | None = Field(None, description="By default the study's.")


class Publish(Model):
    """What goes into the artifact (docs/artifact.md)."""

    dynamics: bool = Field(
        True,
        description="`false`: only the hashes of the dynamics go in. The artifact is then small, and its events "
        "cannot be checked.",
    )
    text_of: list[Name] = Field(
        [],
        description="Data sets whose licence lets words and sentences be passed on. Those of the others are left out.",
    )


class Study(Model):
    """A whole study. `clean` is a treatment that every study knows without naming it."""

    study: Name = Field(description="The study's name. Results go to `results/<study>`.")
    datasets: dict[Name, Dataset] = Field(description="The data sets, by the names that you give them.")
    checkpoints: dict[Name, Checkpoint] = Field({}, description="Pretrained models and word vectors, by name.")
    systems: dict[Name, AnyRecipe] = Field(description="The models and how they are trained, by name.")
    treatments: dict[Name, TreatmentKeys] = Field({}, description="What is done to training splits, by name.")
    seeds: Numbers = Field([0], description="Training seeds.")
    noise_seeds: NoiseSeeds = Field(
        [0],
        description="Seeds of the chance in each treatment. With `same-as-seed` each run takes its training seed, so "
        "that one interval covers both.",
    )
    runs_per_job: Annotated[int, Field(ge=1, le=MAX_RUNS_PER_JOB), NUMBER] = Field(
        1, description="How many runs of one system on one data set a job trains, one after the other."
    )
    publish: Publish = Field(Publish(), description="What `make artifact` passes on.")
    experiments: Annotated[dict[Name, Experiment], Field(min_length=1)] = Field(
        description="What is trained: each experiment runs every combination of what it names."
    )
    unfinished: list[str] = Field(
        [], description="Runs that are left out, by their names in paths. `--config so_far=true` fills it in."
    )

    @field_validator("study")
    @classmethod
    def _has_its_own_folder(cls, study: str) -> str:
        if study == FROM_ARTIFACT:
            raise ValueError(f"found {study!r}, expected another name: results/{study} is where artifacts are drawn")
        if study == CHECKPOINTS:
            raise ValueError(f"found {study!r}, expected another name: results/{study} holds what all studies share")
        return study


def load(values: Mapping[str, Any], where: str = "config", written: Written | None = None) -> Study:
    """Check a configuration; raise BadInput with one line a problem, `where` first.

    `written` is what `settling.documents.read_document` gives of the file that the values are from.
    """
    study: Study = check(Study, dict(values), where, written)
    problems = _dangling(study)
    if problems:
        raise refused(where, problems)
    return study


def read(path: Path) -> Study:
    """Read and check a YAML file; raise BadInput where it is missing, not YAML or not a study."""
    document = read_document(path)
    if not isinstance(document.values, dict):
        raise BadInput(f"{path}: expected a mapping with the keys {', '.join(Study.model_fields)}")
    return load(document.values, str(path), document.written)


def _dangling(study: Study) -> list[str]:
    """List the names that nothing defines."""
    problems = []

    def known(key: str, found: str, valid: Mapping[str, Any] | list[str]) -> None:
        if found not in valid:
            problems.append(f"{key}: {found!r} is not defined; {choices(found, valid)}")

    for name, system in study.systems.items():
        if system.checkpoint is not None:
            known(f"systems.{name}.checkpoint", system.checkpoint, study.checkpoints)
    for name, experiment in study.experiments.items():
        for kind, valid in (
            ("datasets", list(study.datasets)),
            ("treatments", ["clean", *study.treatments]),
            ("systems", list(study.systems)),
        ):
            for found in getattr(experiment, kind):
                known(f"experiments.{name}.{kind}", found, valid)
    for found in study.publish.text_of:
        known("publish.text_of", found, study.datasets)
    if not problems:
        problems += _mismatched(study)
    if "clean" in study.treatments:
        problems.append("treatments.clean: the name is taken; clean needs no definition")
    return problems


def _mismatched(study: Study) -> list[str]:
    """List the systems given a checkpoint, and the experiments given data or a treatment, that is not for them."""
    problems = []
    for name, recipe in study.systems.items():
        if recipe.checkpoint is not None:
            kind: str = study.checkpoints[recipe.checkpoint].kind
            takes = system_kind(recipe.kind).checkpoints
            if kind not in takes:
                expected = " or ".join(filter(None, [", ".join(takes[:-1]), takes[-1]]))
                problems.append(
                    f"systems.{name}.checkpoint: {recipe.checkpoint!r} is of kind {kind}; "
                    f"a system of kind {recipe.kind} takes one of kind {expected}"
                )
    for name, experiment in study.experiments.items():
        for dataset in experiment.datasets:
            task = task_of(study.datasets[dataset].task)
            for system in experiment.systems:
                of_kind = study.systems[system].kind
                if system_kind(of_kind).examples != task.examples:
                    problems.append(
                        f"experiments.{name}: {system} is of kind {of_kind}, but {dataset} holds {task.examples}"
                    )
            for asked in experiment.treatments:
                treatment = treatment_kind("clean" if asked == "clean" else study.treatments[asked].kind)
                if misfit := treatment.misfit(task):
                    problems.append(f"experiments.{name}: {asked} {misfit}")
    return problems


def json_schema() -> str:
    """Return the configuration's JSON Schema as YAML, as workflow/schemas/config.schema.yaml holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
    header = "# Generated from settling.config by `settling schema`; edit that, not this.\n"
    return header + yaml.safe_dump(schema, sort_keys=True, width=110)
