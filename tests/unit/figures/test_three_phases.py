"""The headline figure: which system it is of, where its phases begin and end, and what it says of them."""

from typing import Any

import pandas as pd
import pytest

from settling.figures import three_phases
from settling.figures.selection import Tables

EPOCHS = 8
FITTING, SETTLING = 2.0, 3.0


def curve(system: str, percent: int, metric: str, split: str, values: list[float]) -> list[dict[str, Any]]:
    noise = {"treatment": f"noise-resample-{percent}", "family": "noise", "kind": "resample", "percent": percent}
    clean = {"treatment": "clean", "family": "clean", "kind": "clean", "percent": None}
    where = {"dataset": "news", "system": system, **(noise if percent else clean)}
    reference = "true" if split == "dev" else "given"
    score = {"split": split, "view": "epoch-end", "reference": reference, "class": "all", "metric": metric}
    spread = {"low": None, "high": None, "n": 3}
    return [{**where, **score, "epoch": epoch, "mean": value, **spread} for epoch, value in enumerate(values)]


def curves(system: str, percent: int) -> list[dict[str, Any]]:
    wrong = [0, 0, 0.01, 0.01, 0.02, 0.2, 0.4, 0.6]
    return [
        *curve(system, percent, "f1", "dev", [0.2, 0.5, 0.8, 0.79, 0.8, 0.7, 0.6, 0.5]),
        *curve(system, percent, "f1", "train", [0.1, 0.3, 0.42, 0.44, 0.46, 0.6, 0.7, 0.9]),
        *(curve(system, percent, "noisy_accuracy", "train", wrong) if percent else []),
    ]


def phases(system: str, percent: int, settling: bool) -> list[dict[str, Any]]:
    first = curve(system, percent, "f1", "train", [0.0])[0]
    where = {name: first[name] for name in ("dataset", "system", "treatment", "family", "kind", "percent", "view")}
    values = {"settles": (float(settling), 3), "settling_epochs": (SETTLING * settling, 3)}
    values["fitting_epochs"] = (FITTING, 3) if settling else (None, 0)
    return [{**where, "quantity": name, "mean": mean, "n": n, "runs": 3} for name, (mean, n) in values.items()]


def tables(levels: dict[str, list[int]], settling: bool = True) -> Tables:
    pairs = [(system, percent) for system, percents in levels.items() for percent in percents]
    kinds = {"bert": ("encoder", True), "twin": ("encoder", False), "resnet": ("image", True)}
    cards = [{"system": name, "kind": kinds[name][0], "pretrained": kinds[name][1]} for name in levels]
    treatment = {"dataset": "news", "family": "noise", "kind": "resample", "noise_seed": 0}
    return {
        "curves": pd.DataFrame([row for system, percent in pairs for row in curves(system, percent)]),
        "phases": pd.DataFrame([row for pair in pairs for row in phases(*pair, settling)]),
        "treatments": pd.DataFrame(
            [
                {**treatment, "treatment": f"noise-resample-{level}", "percent": level, "settled_f1": 0.45}
                for level in (10, 20)
            ]
        ),
        "systems": pd.DataFrame(cards),
    }


def phases_of(of_study: Tables) -> pd.DataFrame:
    drawn = three_phases.of_one_system(of_study)
    return three_phases.phases_of(three_phases.bars_of(of_study, drawn), drawn)


@pytest.mark.parametrize(
    ("levels", "chosen"),
    [
        ({"twin": [0, 10, 20], "bert": [0, 10]}, "bert"),
        ({"resnet": [0, 10, 20], "bert": [0, 10]}, "bert"),
        ({"twin": [0, 10, 20], "resnet": [0, 10]}, "resnet"),
        ({"twin": [0, 10]}, "twin"),
    ],
)
def test_it_is_of_a_pretrained_encoder_where_there_is_one(levels: dict[str, list[int]], chosen: str) -> None:
    assert set(three_phases.of_one_system(tables(levels))["system"]) == {chosen}


def test_it_is_of_the_system_that_settles_most() -> None:
    levels = {"resnet": [0, 10], "bert": [0, 10]}
    both = tables(levels)
    of_resnet = (both["phases"]["system"] == "resnet") & (both["phases"]["quantity"] == "settles")
    of_bert = (both["phases"]["system"] == "bert") & (both["phases"]["quantity"] == "settles")
    both["phases"].loc[of_bert, "mean"] = 0.4
    assert of_resnet.any()
    assert set(three_phases.of_one_system(both)["system"]) == {"resnet"}


def test_the_phases_lie_end_to_end_between_the_epochs_where_the_mean_run_settles() -> None:
    of_bert = tables({"bert": [0, 10]})
    shades = phases_of(of_bert)
    noisy = shades[shades["percent"] == 10]
    assert noisy[["phase", "from", "to"]].to_numpy().tolist() == [
        ["fitting", -0.5, FITTING - 0.5],
        ["settling", FITTING - 0.5, FITTING + SETTLING - 0.5],
        ["memorisation", FITTING + SETTLING - 0.5, EPOCHS - 0.5],
    ]


def test_three_sentences_say_how_long_it_settles_where_its_scores_lie_and_what_it_memorises() -> None:
    assert three_phases.sentences(tables({"bert": [0, 10]})) == [
        "bert on news, 10 % noise: 3 of 3 runs settle, on average from epoch 2.0 to epoch 4.0.",
        "Meanwhile its train F1 is 0.44; a model that gives every word its true label has 0.45.",
        "At its best dev F1, 0.80 after epoch 2, it gives 1 % of the wrong labels; after the last epoch it gives 60 % "
        "of them, and dev F1 is 0.50.",
    ]


def test_no_phase_is_drawn_where_no_run_settles_and_the_figure_says_so() -> None:
    of_bert = tables({"bert": [0, 10]}, settling=False)
    drawn = three_phases.of_one_system(of_bert)
    assert phases_of(of_bert).empty
    assert three_phases.sentences(of_bert)[0] == "bert on news, 10 % noise: none of 3 runs settles."
    assert "0 of 3 at 10 % noise" in three_phases.settling_counts(of_bert, drawn)
