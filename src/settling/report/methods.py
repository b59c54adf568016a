"""Methods and environment: data sets, systems, treatments, software and machines, from a study's cards and tables."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

import settling
from settling import study as plan
from settling.config import Study
from settling.data.tasks import task_of
from settling.files import read_json
from settling.schemas import SPLITS
from settling.study import experiments, readable_name, runs
from settling.treatments import kind_of

# The keys of a run's machine that the page shows, in order.
MACHINE = ("device", "name", "system", "python", "torch", "threads")


def content(study: Study, tables: dict[str, pd.DataFrame], results: Path) -> dict[str, Any]:
    """Return the rows of the page's tables of methods; raise BadInput for a missing card."""
    every = runs(study)
    names = sorted({run.dataset for run in every})
    cards = {name: read_json(results / "data" / name / "card.json") for name in names}
    run_cards = [(run.system, read_json(results / run.record)) for run in every]
    return {
        "datasets": [dataset_entry(name, card) for name, card in cards.items()],
        "systems": system_rows(tables["systems"], run_cards),
        "treatments": treatment_rows(tables["treatments"]),
        "experiments": [experiment({**block, "treatments": titles(study, block)}) for block in experiments(study)],
        "software": with_run_counts(
            f"settling {card['made']['version']}, commit {card['made']['commit']}" for _, card in run_cards
        ),
        "machines": with_run_counts(machine_line(card["machine"]) for _, card in run_cards),
        "version": settling.__version__,
        "config": study.model_dump(mode="json", exclude_defaults=True, by_alias=True),
    }


def dataset_entry(name: str, card: dict[str, Any]) -> dict[str, Any]:
    """Return the page's entry on a data set, from its card."""
    task = task_of(card["spec"]["task"])
    named = {"sentences": f"{task.group}s"}
    named |= {"words": f"{task.unit}s"} if task.unit != task.group else {}
    named |= {"entities": "entities"} if task.has_outside else {}
    sizes = {
        split: ", ".join(f"{card['splits'][split][size]:,} {name}" for size, name in named.items())
        for split in SPLITS
        if split in card["splits"]
    }
    return {
        "name": name,
        "source": source(card["spec"]["source"]),
        "licence": card["licence"] or "not stated",
        "sizes": sizes,
        "tags": ", ".join(card["tags"]),
        "hashes": card["inputs"],
        "warnings": card.get("warnings", []),
    }


def source(spec: dict[str, Any]) -> str:
    """Return a data set's source as one line: its kind and its keys, but for hashes."""
    named = {key: value for key, value in spec.items() if key not in ("kind", "sha256", "git_blob")}
    return f"{spec['kind']}: " + ", ".join(f"{key} {spelt(value)}" for key, value in named.items())


def spelt(value: Any) -> str:
    """Return a value of the configuration as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {spelt(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def system_rows(table: pd.DataFrame, run_cards: list[tuple[str, dict[str, Any]]]) -> list[dict[str, str]]:
    """Return the systems, each with its number of parameters and its recipe, as the cards of its runs have them."""
    rows = []
    for row in table.sort_values("system").to_dict("records"):
        cards = [card for system, card in run_cards if system == row["system"]]
        parameters = sorted({card["parameters"] for card in cards})
        spec = {key: value for key, value in cards[0]["made"]["spec"].items() if key != "seed"} if cards else {}
        rows.append(
            {
                "system": row["system"],
                "kind": row["kind"],
                "starts from": row["checkpoint"] if row["pretrained"] else "random weights",
                "parameters": " to ".join(f"{number:,}" for number in [*parameters[:1], *parameters[1:][-1:]]),
                "recipe": ", ".join(f"{key} {spelt(value)}" for key, value in sorted(spec.items())),
            }
        )
    return rows


def treatment_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return what each treatment did to the training split, over its noise seeds."""
    entries = []
    for (dataset_name, treatment), rows in table.groupby(["dataset", "treatment"]):
        entries.append(
            {
                "data set": str(dataset_name),
                "treatment": str(treatment),
                "training split": kind_of(str(rows["kind"].iloc[0])).phrase,
                "noise_seeds": str(rows["noise_seed"].nunique()),
                "sentences": number_range(rows["sentences"]),
                "words": number_range(rows["words"]),
                "nominal noise": mean_of(rows["nominal_rate"], "no level"),
                "effective noise": mean_of(rows["effective_rate"]),
                "wrong mentions": mean_of(rows["effective_mention_rate"]),
                "settled F1": mean_of(rows["settled_f1"]),
            }
        )
    return entries


def mean_of(rates: "pd.Series[float]", nothing: str = "undefined") -> str:
    """Return the mean of some rates as text, or `nothing` where none is there."""
    return nothing if rates.isna().all() else f"{rates.mean():.3f}"


def titles(study: Study, block: dict[str, Any]) -> list[str]:
    """Return readable names of the treatments of an experiment."""
    named = plan.treatments(study)
    return [
        readable_name(name, named[name]["kind"], named[name].get("class"), named[name].get("sentences"))
        for name in block["treatments"]
    ]


def number_range(numbers: "pd.Series[int]") -> str:
    """Return the least and the greatest of some numbers as text."""
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def experiment(block: dict[str, Any]) -> dict[str, str]:
    """Return the values of an experiment's keys as text."""
    return {
        key: value.replace("-", " ") if key == "noise_seeds" and isinstance(value, str) else spelt(value)
        for key, value in block.items()
    }


def machine_line(card: dict[str, Any]) -> str:
    """Return a run's machine as one line."""
    return ", ".join(f"{key} {card[key]}" for key in MACHINE if card.get(key) is not None)


def with_run_counts(lines: Iterable[str]) -> list[str]:
    """Return the distinct lines, each with the number of runs that have it."""
    return [f"{line} ({number} run{'s' if number > 1 else ''})" for line, number in sorted(Counter(lines).items())]
