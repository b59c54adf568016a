"""From a checked configuration to the steps of a study: its treatments and runs, and what each step is told.

The workflow asks here, and so does every step that reads the files of many runs.
"""

import itertools
import math
import operator
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from settling.canonical import canonical, digest
from settling.config import Experiment, Study
from settling.errors import BadInput
from settling.layout import CHECKPOINTS, DATASET_CARD, QUOTES, RESULTS, TOKENS, Run
from settling.training.recipe import TransformerRecipe
from settling.treatments import KINDS, family_of, kind_of
from settling.treatments.kind import Treatment

# Runs of a study. More would take Snakemake days to plan.
MAX_RUNS = 1_000_000


def treatments(study: Study) -> dict[str, dict[str, Any]]:
    """Return every treatment of the study by name, each with the parameters that `treat` takes."""
    found: dict[str, dict[str, Any]] = {"clean": {"kind": "clean"}}
    for key, keys in study.treatments.items():
        for name, treatment in keys.members(key, study.treatments):
            if found.setdefault(name, treatment) != treatment:
                raise BadInput(f"treatments: two different treatments are both called {name}")
    return found


def readable_name(name: str, kind: str, cap_class: str | None, sentences: int | None) -> str:
    """Return a treatment's name for a reader: as in paths, but a class under its own name and not its slug."""
    return f"{kind}-{cap_class}-{sentences}" if "~" in name else name


def experiments(study: Study) -> list[dict[str, Any]]:
    """Return the experiments as plain data, with the names of all their treatments."""
    return sorted((_block(study, experiment) for experiment in study.experiments.values()), key=canonical)


def _block(study: Study, experiment: Experiment) -> dict[str, Any]:
    noise_seeds = experiment.noise_seeds or study.noise_seeds
    blocks = study.treatments
    names = {name for key in experiment.treatments if key != "clean" for name, _ in blocks[key].members(key, blocks)}
    return {
        "datasets": sorted(set(experiment.datasets)),
        "treatments": sorted(names | ({"clean"} & set(experiment.treatments))),
        "systems": sorted(set(experiment.systems)),
        "seeds": sorted(set(experiment.seeds or study.seeds)),
        "noise_seeds": noise_seeds if isinstance(noise_seeds, str) else sorted(set(noise_seeds)),
    }


def runs_of(
    blocks: Iterable[dict[str, Any]], named: Mapping[str, dict[str, Any]], unfinished: Iterable[str] = ()
) -> list[Run]:
    """Return the runs of experiments as `experiments` gives them, each run once, sorted, those `unfinished` left out.

    `named` has their treatments, as `treatments` gives them. A treatment without chance has one noise seed, 0,
    which all share. Raises BadInput where the runs are more than MAX_RUNS.
    """
    blocks = list(blocks)
    # Counted before they are listed: a short line may ask for billions.
    if (asked := sum(num_runs(block, named) for block in blocks)) > MAX_RUNS:
        raise BadInput(f"experiments: ask for {asked} runs, expected at most {MAX_RUNS}")
    found = set()
    for block in blocks:
        axes = (block[axis] for axis in ("datasets", "treatments", "systems", "seeds"))
        for dataset, treatment, system, seed in itertools.product(*axes):
            noise_seeds = [seed] if block["noise_seeds"] == "same-as-seed" else block["noise_seeds"]
            for noise_seed in noise_seeds if kind_of(named[treatment]["kind"]).random else [0]:
                found.add(Run(dataset, treatment, noise_seed, system, seed))
    left_out = set(unfinished)
    return sorted(run for run in found if run.name not in left_out)


def num_runs(block: dict[str, Any], named: Mapping[str, dict[str, Any]]) -> int:
    """Return how many runs an experiment as `experiments` gives it has, without listing them."""
    noise_seeds = 1 if block["noise_seeds"] == "same-as-seed" else len(block["noise_seeds"])
    splits = sum(noise_seeds if kind_of(named[name]["kind"]).random else 1 for name in block["treatments"])
    return len(block["datasets"]) * splits * len(block["systems"]) * len(block["seeds"])


def runs(study: Study) -> list[Run]:
    """Return the runs of all experiments, each once, sorted; raise BadInput where they are more than MAX_RUNS.

    Runs that the study leaves out as unfinished are not among them.
    """
    return runs_of(experiments(study), treatments(study), study.unfinished)


def so_far(study: Study, folder: Path) -> Study:
    """Return the study without the runs that are not finished in its `folder`, nor those that share a job with one.

    Raises BadInput where no run is finished.
    """
    finished = [job for job in jobs(study) if all((folder / run.record).exists() for run in job)]
    if not finished:
        raise BadInput(f"{folder}: no run is finished yet, so there is nothing to draw")
    done = set(itertools.chain(*finished))
    return study.model_copy(update={"unfinished": [run.name for run in runs(study) if run not in done]})


def jobs(study: Study) -> list[list[Run]]:
    """Return the runs by the job that trains them: of one system on one data set, `runs_per_job` at most."""
    size, alike = study.runs_per_job, operator.attrgetter("dataset", "system")
    groups = [list(group) for _, group in itertools.groupby(sorted(runs(study), key=alike), alike)]
    return [group[first : first + size] for group in groups for first in range(0, len(group), size)]


def priorities(study: Study) -> dict[Run, int]:
    """Return the priority of each run: the earlier the first experiment that asks for it, the higher."""
    named = treatments(study)
    first: dict[Run, int] = {}
    for place, experiment in enumerate(study.experiments.values()):
        for run in runs_of([_block(study, experiment)], named):
            first.setdefault(run, len(study.experiments) - place)
    return first


def _plain(model: BaseModel, *left_out: str) -> dict[str, Any]:
    """Return a model as plain data, defaults and the fields `left_out` left out, its kind kept."""
    values = model.model_dump(mode="json", exclude_defaults=True, exclude=set(left_out))
    kind = getattr(model, "kind", None)
    return {**values, **({"kind": kind} if kind else {})}


def dataset_spec(study: Study, name: str) -> dict[str, Any]:
    """Return the spec of `settling download dataset`."""
    dataset = study.datasets[name]
    return {**_plain(dataset), "source": _plain(dataset.source)}


def checkpoint_spec(study: Study, name: str) -> dict[str, Any]:
    """Return the spec of `settling download checkpoint`."""
    return _plain(study.checkpoints[name])


def checkpoint_files(study: Study, name: str) -> list[str]:
    """Return the files on this machine that the checkpoint is copied from, or its folder where there is none."""
    checkpoint = study.checkpoints[name]
    if checkpoint.kind == "vectors":
        return [checkpoint.path]
    if checkpoint.kind != "folder":
        return []
    return sorted(str(path) for path in Path(checkpoint.path).glob("[!.]*") if path.is_file()) or [checkpoint.path]


def unpinned(study: Study) -> list[str]:
    """Return the keys of the checkpoints on the hub that have no revision, without which they are not downloaded."""
    return [
        f"checkpoints.{name}"
        for name, checkpoint in study.checkpoints.items()
        if checkpoint.kind == "hub" and checkpoint.revision is None
    ]


def not_there(study: Study) -> list[tuple[str, str]]:
    """Return the files on this machine that the study asks for and that do not exist, each after its key."""
    asked = [(f"datasets.{name}", path) for name in study.datasets for path in study.datasets[name].local_files()]
    for key, keys in study.treatments.items():
        for _, treatment in keys.members(key, study.treatments):
            asked += [(f"treatments.{key}", path) for path in treatment_files(treatment)]
    asked += [(f"checkpoints.{name}", path) for name in study.checkpoints for path in checkpoint_files(study, name)]
    return [(key, path) for key, path in dict.fromkeys(asked) if not Path(path).exists()]


def checkpoints(study: Study) -> list[str]:
    """Return the names of the study's checkpoints, sorted; of those that are one and the same, the first alone."""
    return sorted({checkpoint_folder(study, name): name for name in sorted(study.checkpoints, reverse=True)}.values())


def checkpoint_folder(study: Study, name: str) -> str:
    """Return where a checkpoint lies, from where Snakemake is started: by its spec alone, so that studies share it."""
    return f"{RESULTS}/{CHECKPOINTS}/{digest(canonical(checkpoint_spec(study, name)))[:16]}"


def checkpoint_of(study: Study, system: str) -> list[str]:
    """Return the folder of the checkpoint that a system starts from; none where it needs none."""
    checkpoint = study.systems[system].checkpoint
    return [checkpoint_folder(study, checkpoint)] if checkpoint else []


def tokens_of(study: Study, dataset: str, system: str, folder: str) -> list[str]:
    """Return the file of a data set's word-pieces for a system that reads such, under the study's `folder`."""
    recipe = study.systems[system]
    if not isinstance(recipe, TransformerRecipe):
        return []
    return [f"{folder}/{TOKENS.format(dataset=dataset, checkpoint=recipe.checkpoint)}"]


def treatment_spec(treatment: dict[str, Any], noise_seed: int) -> dict[str, Any]:
    """Return the spec of `settling treat` for a treatment as `treatments` gives it."""
    return {**treatment, "noise_seed": noise_seed}


def treatment_files(treatment: dict[str, Any]) -> list[str]:
    """Return the files on this machine that a treatment, as `treatments` gives it, reads beside the training split."""
    return list(_treatment_of(treatment).files().values())


def treatment_code(treatment: dict[str, Any]) -> list[str]:
    """Return the modules that carry out a treatment as `treatments` gives it."""
    return [KINDS[treatment["kind"]], *_treatment_of(treatment).code()]


def _treatment_of(treatment: dict[str, Any]) -> Treatment:
    return kind_of(treatment["kind"]).treatment.model_validate(treatment_spec(treatment, 0))


def training_spec(study: Study, system: str) -> dict[str, Any]:
    """Return the spec of `settling train`: the system's recipe, where it runs left out."""
    return _plain(study.systems[system], "resources")


def resources(study: Study, system: str, num_runs: int, attempt: int) -> dict[str, int]:
    """Return what a job of `num_runs` runs asks of a cluster: whole minutes and MB, more of both at each attempt."""
    asked = study.systems[system].resources
    return {
        "gpu": asked.gpu,
        "cpus_per_task": asked.cpus,
        "mem_mb": asked.memory * attempt,
        "runtime": max(1, math.ceil(asked.minutes * num_runs * attempt)),
    }


def run_option(run: Run, folder: str) -> str:
    """Return the option of `settling train` for a run of the study whose `folder` this is."""
    files = (run.treated, run.folder, run.state, run.log)
    return " ".join(["--run", str(run.seed), *(f"{folder}/{file}" for file in files)])


def option(name: str, paths: list[str]) -> str:
    """Return an option of `settling train` for one path, or nothing for none."""
    return f"--{name} {paths[0]}" if paths else ""


def system_cards(study: Study) -> dict[str, dict[str, Any]]:
    """Return what the table `systems` says of each system."""
    return {
        name: {
            "kind": system.kind,
            "checkpoint": system.checkpoint,
            "pretrained": system.checkpoint is not None and getattr(system, "pretrained", False),
            "centroids": getattr(system, "centroids", None),
            "epochs": system.epochs,
            "schedule": system.schedule,
            # An update of ProtoBERT takes an episode.
            "batch_size": None if system.kind == "protobert" else system.batch_size,
            "max_length": getattr(system, "max_length", None),
            "long_sentences": getattr(system, "long_sentences", None),
        }
        for name, system in study.systems.items()
    }


def study_spec(study: Study) -> dict[str, Any]:
    """Return the configuration whole, defaults too."""
    return study.model_dump(mode="json", by_alias=True)


def recorded(study: Study) -> list[str]:
    """Return the recorded files, relative to the study's folder, that suffice to draw it without data or a model.

    Sorted: the quotes, the data sets' cards, and of every run its treated split, scores, record, events and,
    where it has noise, detectors. The claims file is not among them.
    """
    named = treatments(study)
    files = {QUOTES}
    for run in runs(study):
        files |= {DATASET_CARD.format(dataset=run.dataset)}
        files |= {str(path) for path in (run.treated, run.scores, run.record, run.events)}
        if family_of(named[run.treatment]) == "noise":
            files |= {str(run.detectors), str(run.losses)}
    return sorted(files)


def report_spec(study: Study) -> dict[str, Any]:
    """Return the spec of `settling report`: the configuration in full, defaults and where its runs run left out."""
    left_out: dict[str, Any] = {"runs_per_job": True, "systems": {"__all__": {"resources"}}}
    return study.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)


def aggregate_spec(study: Study) -> dict[str, Any]:
    """Return the spec of `settling aggregate`: which runs there are, their treatments, systems and data of one's own.

    Experiments stay folded, so that the spec of a grid of thousands of runs fits on a command line.
    """
    blocks = experiments(study)
    named = treatments(study)
    asked = {name: named[name] for block in blocks for name in block["treatments"]}
    used = {name for block in blocks for name in block["systems"]}
    systems = {name: card for name, card in system_cards(study).items() if name in used}
    left_out = {"unfinished": study.unfinished} if study.unfinished else {}
    own = sorted({name for block in blocks for name in block["datasets"] if study.datasets[name].local_files()})
    return {"experiments": blocks, "treatments": asked, "systems": systems, "own": own, **left_out}
