"""From a checked configuration to the steps of a study: treatments, runs, the spec and the path of each.

Nothing else knows where a file lies. The workflow asks here, and so does every step that reads many files.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from settling.canonical import canonical
from settling.config import CapFamily, NoiseFamily, Study
from settling.errors import BadInput

CLEAN: dict[str, Any] = {"kind": "clean"}
TABLES = ("treatments", "curves", "summary", "effects", "first_learned", "forgetting")


@dataclass(frozen=True, order=True)
class Run:
    """One training: its place in the study."""

    dataset: str
    treatment: str
    draw: int
    system: str
    seed: int

    @property
    def treated(self) -> Path:
        """The treated training split, relative to the study's folder."""
        return Path("treated", self.dataset, self.treatment, f"draw{self.draw}.parquet")

    @property
    def place(self) -> Path:
        """The part of the path that names the run."""
        return Path(self.dataset, self.treatment, f"draw{self.draw}", self.system, f"seed{self.seed}")

    @property
    def scores(self) -> Path:
        """The run's scores, relative to the study's folder."""
        return Path("runs", self.place, "scores.parquet")

    @property
    def events(self) -> Path:
        """The run's events, relative to the study's folder."""
        return Path("events", self.place.parent, f"{self.place.name}.parquet")


def treatments(study: Study) -> dict[str, dict[str, Any]]:
    """Return every treatment of the study by name, each with the parameters that `treat` takes."""
    found: dict[str, dict[str, Any]] = {"clean": CLEAN}
    for family in study.treatments.values():
        for name, treatment in members(family):
            if found.setdefault(name, treatment) != treatment:
                raise BadInput(f"treatments: two different treatments are both called {name}")
    return found


def members(family: NoiseFamily | CapFamily) -> list[tuple[str, dict[str, Any]]]:
    """Return the treatments of a family as (name, parameters); noise at level 0 is `clean`."""
    if isinstance(family, NoiseFamily):
        return [
            (f"noise-{family.kind}-{level}", {"kind": family.kind, "percent": level}) if level else ("clean", CLEAN)
            for level in family.levels
        ]
    return [
        (
            f"{family.kind}-{family.cap_class}-{number}",
            {"kind": family.kind, "class": family.cap_class, "sentences": number},
        )
        for number in family.sentences
    ]


def experiments(study: Study) -> list[dict[str, Any]]:
    """Return the experiments as plain data, families replaced by the names of their treatments."""
    blocks = []
    for experiment in study.experiments.values():
        draws = experiment.draws or study.draws
        families = [family for family in experiment.treatments if family != "clean"]
        names = {name for family in families for name, _ in members(study.treatments[family])}
        blocks.append(
            {
                "datasets": sorted(set(experiment.datasets)),
                "treatments": sorted(names | ({"clean"} & set(experiment.treatments))),
                "systems": sorted(set(experiment.systems)),
                "seeds": sorted(set(experiment.seeds or study.seeds)),
                "draws": draws if isinstance(draws, str) else sorted(set(draws)),
            }
        )
    return sorted(blocks, key=canonical)


def runs_of(blocks: Iterable[dict[str, Any]]) -> list[Run]:
    """Return the runs of experiments as `experiments` gives them, each run once, sorted.

    `clean` has one draw, 0, which all share.
    """
    found = set()
    for block in blocks:
        axes = (block[axis] for axis in ("datasets", "treatments", "systems", "seeds"))
        for dataset, treatment, system, seed in itertools.product(*axes):
            draws = [seed] if block["draws"] == "by-seed" else block["draws"]
            for draw in [0] if treatment == "clean" else draws:
                found.add(Run(dataset, treatment, draw, system, seed))
    return sorted(found)


def runs(study: Study) -> list[Run]:
    """Return the runs of all experiments, each once, sorted."""
    return runs_of(experiments(study))


def families(study: Study) -> set[str]:
    """Return which families of treatments, `noise` and `cap`, the runs of the study hold."""
    named = treatments(study)
    kinds = {named[run.treatment]["kind"] for run in runs(study)}
    return {"noise" if kind in ("resample", "flip") else kind for kind in kinds} & {"noise", "cap"}


def _plain(model: BaseModel) -> dict[str, Any]:
    """Return a model as plain data, defaults left out, its kind kept."""
    values = model.model_dump(mode="json", exclude_defaults=True)
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
    if checkpoint.kind != "folder":
        return []
    return sorted(str(path) for path in Path(checkpoint.path).glob("[!.]*") if path.is_file()) or [checkpoint.path]


def treatment_spec(study: Study, name: str, draw: int) -> str:
    """Return the spec of `settling treat`."""
    return canonical({**treatments(study)[name], "draw": draw})


def training_spec(study: Study, system: str, seed: int) -> str:
    """Return the spec of `settling train`: the system's recipe and the seed."""
    return canonical({**_plain(study.systems[system]), "seed": seed})


def aggregate_spec(study: Study) -> str:
    """Return the spec of `settling aggregate`: which runs there are and what their treatments do.

    Experiments stay folded, so that the spec of a grid of thousands of runs fits on a command line.
    """
    blocks = experiments(study)
    named = treatments(study)
    shown = {name: named[name] for block in blocks for name in block["treatments"]}
    return canonical({"experiments": blocks, "treatments": shown})
