"""From a checked configuration to the steps of a study: treatments, runs, the spec and the path of each.

Nothing else knows where a file lies. The workflow asks here, and so does every step that reads many files.
"""

import functools
import itertools
import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from settling.canonical import canonical, digest
from settling.config import CHECKPOINTS, FROM_ARTIFACT, Study
from settling.errors import BadInput
from settling.systems.recipe import TransformerRecipe
from settling.treatments import family_of, kind_of

# Runs of a study. More would take Snakemake days to plan.
MAX_RUNS = 1_000_000
# The last file that a run leaves.
CARD = "run.json"
TABLES = (
    "datasets",
    "systems",
    "treatments",
    "measures",
    "run_curves",
    "curves",
    "summary",
    "effects",
    "contrasts",
    "phases",
    "first_learned",
    "forgetting",
    "words",
    "caps",
    "detection_runs",
    "detection",
    "loss_histogram",
)


@dataclass(frozen=True, order=True)
class Run:
    """One training: its place in the study."""

    dataset: str
    treatment: str
    noise_seed: int
    system: str
    seed: int

    @property
    def treated(self) -> Path:
        """The treated training split, relative to the study's folder."""
        return Path("treated", self.dataset, self.treatment, f"noise-seed{self.noise_seed}.parquet")

    @functools.cached_property
    def place(self) -> Path:
        """The part of the path that names the run."""
        return Path(self.dataset, self.treatment, f"noise-seed{self.noise_seed}", self.system, f"seed{self.seed}")

    @property
    def folder(self) -> Path:
        """What the training leaves, relative to the study's folder."""
        return Path("runs", self.place)

    @property
    def card(self) -> Path:
        """What says that the run is done and how long it took, relative to the study's folder."""
        return self.folder / CARD

    @property
    def state(self) -> Path:
        """What the run goes on from, and its outputs until its job is done, relative to the study's folder."""
        return Path("state", self.place)

    @property
    def log(self) -> Path:
        """How the training goes, line by line, relative to the study's folder."""
        return Path("logs", "train", f"{self.place}.log")

    @property
    def dynamics(self) -> Path:
        """What the run predicted at every epoch, relative to the study's folder."""
        return self.folder / "dynamics.parquet"

    @property
    def scores(self) -> Path:
        """The run's scores, relative to the study's folder."""
        return self.folder / "scores.parquet"

    @property
    def events(self) -> Path:
        """The run's events, relative to the study's folder."""
        return Path("events", self.place.parent, f"{self.place.name}.parquet")

    @property
    def detectors(self) -> Path:
        """How well each detector finds the run's noisy words, relative to the study's folder."""
        return Path("detectors", self.place, "detectors.parquet")

    @property
    def losses(self) -> Path:
        """The histogram of the run's losses, relative to the study's folder."""
        return Path("detectors", self.place, "losses.parquet")


def run_of(file: str) -> Run | None:
    """Return the run that a file in a run's folder is of; None for any other file."""
    found = re.search(r"(?:^|/)runs/([^/]+)/([^/]+)/noise-seed(\d+)/([^/]+)/seed(\d+)/[^/]+$", file)
    return Run(found[1], found[2], int(found[3]), found[4], int(found[5])) if found else None


def folder_of(study: Study, from_artifact: bool = False) -> Path:
    """Return the study's folder, from where Snakemake is started; one drawn from an artifact has a place of its own."""
    return Path("results", *([FROM_ARTIFACT] if from_artifact else []), study.study)


def treatments(study: Study) -> dict[str, dict[str, Any]]:
    """Return every treatment of the study by name, each with the parameters that `treat` takes."""
    found: dict[str, dict[str, Any]] = {"clean": {"kind": "clean"}}
    for keys in study.treatments.values():
        for name, treatment in keys.members():
            if found.setdefault(name, treatment) != treatment:
                raise BadInput(f"treatments: two different treatments are both called {name}")
    return found


def readable_name(name: str, kind: str, cap_class: str | None, sentences: int | None) -> str:
    """Return a treatment's name for a reader: as in paths, but a class under its own name and not its slug."""
    return f"{kind}-{cap_class}-{sentences}" if "~" in name else name


def experiments(study: Study) -> list[dict[str, Any]]:
    """Return the experiments as plain data, with the names of all their treatments."""
    blocks = []
    for experiment in study.experiments.values():
        noise_seeds = experiment.noise_seeds or study.noise_seeds
        asked = [study.treatments[key] for key in experiment.treatments if key != "clean"]
        names = {name for keys in asked for name, _ in keys.members()}
        blocks.append(
            {
                "datasets": sorted(set(experiment.datasets)),
                "treatments": sorted(names | ({"clean"} & set(experiment.treatments))),
                "systems": sorted(set(experiment.systems)),
                "seeds": sorted(set(experiment.seeds or study.seeds)),
                "noise_seeds": noise_seeds if isinstance(noise_seeds, str) else sorted(set(noise_seeds)),
            }
        )
    return sorted(blocks, key=canonical)


def runs_of(blocks: Iterable[dict[str, Any]], named: Mapping[str, dict[str, Any]]) -> list[Run]:
    """Return the runs of experiments as `experiments` gives them, each run once, sorted.

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
    return sorted(found)


def num_runs(block: dict[str, Any], named: Mapping[str, dict[str, Any]]) -> int:
    """Return how many runs an experiment as `experiments` gives it has, without listing them."""
    noise_seeds = 1 if block["noise_seeds"] == "same-as-seed" else len(block["noise_seeds"])
    splits = sum(noise_seeds if kind_of(named[name]["kind"]).random else 1 for name in block["treatments"])
    return len(block["datasets"]) * splits * len(block["systems"]) * len(block["seeds"])


def runs(study: Study) -> list[Run]:
    """Return the runs of all experiments, each once, sorted; raise BadInput where they are more than MAX_RUNS."""
    return runs_of(experiments(study), treatments(study))


def jobs(study: Study) -> list[list[Run]]:
    """Return the runs by the job that trains them: of one system on one data set, `runs_per_job` at most."""
    size, alike = study.runs_per_job, operator.attrgetter("dataset", "system")
    groups = [list(group) for _, group in itertools.groupby(sorted(runs(study), key=alike), alike)]
    return [group[first : first + size] for group in groups for first in range(0, len(group), size)]


def _plain(model: BaseModel, *left_out: str) -> dict[str, Any]:
    """Return a model as plain data, defaults and the fields `left_out` left out, its kind kept."""
    values = model.model_dump(mode="json", exclude_defaults=True, exclude=set(left_out))
    kind = getattr(model, "kind", None)
    return {**values, **({"kind": kind} if kind else {})}


def dataset_spec(study: Study, name: str) -> str:
    """Return the spec of `settling download dataset`."""
    dataset = study.datasets[name]
    return canonical({**_plain(dataset), "source": _plain(dataset.source)})


def checkpoint_spec(study: Study, name: str) -> str:
    """Return the spec of `settling download checkpoint`."""
    return canonical(_plain(study.checkpoints[name]))


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
    asked += [(f"checkpoints.{name}", path) for name in study.checkpoints for path in checkpoint_files(study, name)]
    return [(key, path) for key, path in asked if not Path(path).exists()]


def checkpoints(study: Study) -> list[str]:
    """Return the names of the study's checkpoints, sorted; of those that are one and the same, the first alone."""
    return sorted({checkpoint_folder(study, name): name for name in sorted(study.checkpoints, reverse=True)}.values())


def checkpoint_folder(study: Study, name: str) -> str:
    """Return where a checkpoint lies, from where Snakemake is started: by its spec alone, so that studies share it."""
    return f"results/{CHECKPOINTS}/{digest(checkpoint_spec(study, name))[:16]}"


def checkpoint_of(study: Study, system: str) -> list[str]:
    """Return the folder of the checkpoint that a system starts from; none where it needs none."""
    checkpoint = study.systems[system].checkpoint
    return [checkpoint_folder(study, checkpoint)] if checkpoint else []


def tokens_of(study: Study, dataset: str, system: str, folder: str) -> list[str]:
    """Return the file of a data set's word-pieces for a system that reads such, under the study's `folder`."""
    recipe = study.systems[system]
    return [f"{folder}/tokens/{dataset}/{recipe.checkpoint}.parquet"] if isinstance(recipe, TransformerRecipe) else []


def treatment_spec(treatment: dict[str, Any], noise_seed: int) -> str:
    """Return the spec of `settling treat` for a treatment as `treatments` gives it."""
    return canonical({**treatment, "noise_seed": noise_seed})


def training_spec(study: Study, system: str) -> str:
    """Return the spec of `settling train`: the system's recipe, where it runs left out."""
    return canonical(_plain(study.systems[system], "resources"))


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
            # An update of ProtoBERT takes an episode.
            "batch_size": None if system.kind == "protobert" else system.batch_size,
            "max_length": getattr(system, "max_length", None),
            "long_sentences": getattr(system, "long_sentences", None),
        }
        for name, system in study.systems.items()
    }


def study_spec(study: Study) -> str:
    """Return the configuration whole, defaults too."""
    return canonical(study.model_dump(mode="json", by_alias=True))


def recorded(study: Study) -> list[str]:
    """Return the files from which a study is drawn without its data or a model, relative to its folder, but its claims.

    Sorted: the data sets' cards, and of every run its treated split, scores, card, events and detectors; the quotes.
    """
    named = treatments(study)
    found = {"tables/quotes.parquet"}
    for run in runs(study):
        found |= {f"data/{run.dataset}/card.json", *map(str, (run.treated, run.scores, run.card, run.events))}
        if family_of(named[run.treatment]) == "noise":
            found |= {str(run.detectors), str(run.losses)}
    return sorted(found)


def report_spec(study: Study) -> str:
    """Return the spec of `settling report`: the configuration in full, defaults and where its runs run left out."""
    left_out: dict[str, Any] = {"runs_per_job": True, "systems": {"__all__": {"resources"}}}
    return canonical(study.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out))


def aggregate_spec(study: Study) -> str:
    """Return the spec of `settling aggregate`: which runs there are, their treatments and their systems.

    Experiments stay folded, so that the spec of a grid of thousands of runs fits on a command line.
    """
    blocks = experiments(study)
    named = treatments(study)
    shown = {name: named[name] for block in blocks for name in block["treatments"]}
    used = {name for block in blocks for name in block["systems"]}
    systems = {name: card for name, card in system_cards(study).items() if name in used}
    return canonical({"experiments": blocks, "treatments": shown, "systems": systems})
