"""Methods and environment: what the study ran on, with what, and where, from its cards and tables."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

import settling
from settling import study as plan
from settling.config import Study
from settling.files import read_json
from settling.study import experiments, readable_name, runs
from settling.treatments import kind_of

# What of a run's machine tells one environment from another, in the order of the page.
MACHINE = ("device", "name", "system", "python", "torch", "threads")
SPLITS = ("train", "dev", "test")
SIZES = ("sentences", "words", "entities")


def content(study: Study, tables: dict[str, pd.DataFrame], results: Path) -> dict[str, Any]:
    """Return the rows of the page's tables of methods; raise BadInput for a missing card."""
    every = runs(study)
    names = sorted({run.dataset for run in every})
    cards = {name: read_json(results / "data" / name / "card.json") for name in names}
    run_cards = [(run.system, read_json(results / run.record)) for run in every]
    return {
        "datasets": [dataset(name, card) for name, card in cards.items()],
        "systems": systems(tables["systems"], run_cards),
        "treatments": treatments(tables["treatments"]),
        "experiments": [experiment({**block, "treatments": titles(study, block)}) for block in experiments(study)],
        "software": counted(
            f"settling {card['made']['version']}, commit {card['made']['commit']}" for _, card in run_cards
        ),
        "machines": counted(machine(card["machine"]) for _, card in run_cards),
        "version": settling.__version__,
        "config": study.model_dump(mode="json", exclude_defaults=True, by_alias=True),
    }


def dataset(name: str, card: dict[str, Any]) -> dict[str, Any]:
    """Return what the page says of a data set, from its card."""
    sizes = {
        split: ", ".join(f"{card['splits'][split][size]:,} {size}" for size in SIZES if size in card["splits"][split])
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
    """Put a data set's source in one line: its kind, and what names it; hashes stand apart."""
    named = {key: value for key, value in spec.items() if key not in ("kind", "sha256", "git_blob")}
    return f"{spec['kind']}: " + ", ".join(f"{key} {spelt(value)}" for key, value in named.items())


def spelt(value: Any) -> str:
    """Put a value of the configuration in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {spelt(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def systems(table: pd.DataFrame, run_cards: list[tuple[str, dict[str, Any]]]) -> list[dict[str, str]]:
    """Return the systems, each with the numbers of parameters that its runs had and the parameters of its runs."""
    found = []
    for row in table.sort_values("system").to_dict("records"):
        cards = [card for system, card in run_cards if system == row["system"]]
        parameters = sorted({card["parameters"] for card in cards})
        spec = {key: value for key, value in cards[0]["made"]["spec"].items() if key != "seed"} if cards else {}
        found.append(
            {
                "system": row["system"],
                "kind": row["kind"],
                "starts from": row["checkpoint"] if row["pretrained"] else "random weights",
                "parameters": " to ".join(f"{number:,}" for number in [*parameters[:1], *parameters[1:][-1:]]),
                "recipe": ", ".join(f"{key} {spelt(value)}" for key, value in sorted(spec.items())),
            }
        )
    return found


def treatments(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return what each treatment did, over its noise seeds."""
    found = []
    for (dataset_name, treatment), rows in table.groupby(["dataset", "treatment"]):
        found.append(
            {
                "data set": str(dataset_name),
                "treatment": str(treatment),
                "training split": kind_of(str(rows["kind"].iloc[0])).phrase,
                "noise_seeds": str(rows["noise_seed"].nunique()),
                "sentences": span(rows["sentences"]),
                "words": span(rows["words"]),
                "nominal noise": f"{rows['nominal_rate'].mean():.3f}",
                "effective noise": f"{rows['effective_rate'].mean():.3f}",
                "settled F1": "undefined" if rows["settled_f1"].isna().all() else f"{rows['settled_f1'].mean():.3f}",
            }
        )
    return found


def titles(study: Study, block: dict[str, Any]) -> list[str]:
    """Return what a reader calls the treatments of an experiment."""
    named = plan.treatments(study)
    return [
        readable_name(name, named[name]["kind"], named[name].get("class"), named[name].get("sentences"))
        for name in block["treatments"]
    ]


def span(numbers: "pd.Series[int]") -> str:
    """Return the range of some numbers."""
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def experiment(block: dict[str, Any]) -> dict[str, str]:
    """Return an experiment in words, key by key."""
    return {
        key: value.replace("-", " ") if key == "noise_seeds" and isinstance(value, str) else spelt(value)
        for key, value in block.items()
    }


def machine(card: dict[str, Any]) -> str:
    """Put a run's machine in one line."""
    return ", ".join(f"{key} {card[key]}" for key in MACHINE if card.get(key) is not None)


def counted(lines: Iterable[str]) -> list[str]:
    """Return each line once, with the number of runs that have it."""
    return [f"{line} ({number} run{'s' if number > 1 else ''})" for line, number in sorted(Counter(lines).items())]
