"""What the explorer and the table of words are given."""

from typing import Any

import pandas as pd

from settling.report import explorer, words

Row = dict[str, Any]
PLACE: Row = {"dataset": "news", "treatment": "clean", "system": "bert", "noise_seed": 0}
SCORE: Row = {"split": "dev", "view": "epoch-end", "reference": "true", "class": "all", "metric": "f1"}
DATASETS = pd.DataFrame([{"dataset": "news", "task": "ner", "unit": "word", "group": "sentence", "own": False}])


def curves(seed: int, values: list[float], **score: str) -> list[Row]:
    return [
        {**PLACE, "seed": seed, **SCORE, **score, "epoch": epoch, "value": value} for epoch, value in enumerate(values)
    ]


def measure(seed: int, metric: str, value: float) -> Row:
    where = {"selected_epoch": "run", "split": "train", "reference": "given", "class": "all"}
    return {**PLACE, "seed": seed, **where, "view": "epoch-end", "metric": metric, "value": value}


def test_the_explorer_has_each_runs_curves_in_epoch_order_and_its_phases() -> None:
    scores = pd.DataFrame([*curves(1, [0.1, 0.2]), *curves(0, [0.3, 0.41239]), *curves(0, [0.5, 0.6], split="train")])
    measures = [
        *(measure(0, name, value) for name, value in (("settles", 1), ("fitting_epochs", 2), ("settling_epochs", 3))),
        *(measure(1, name, value) for name, value in (("settles", 0), ("settling_epochs", 0))),
    ]
    tables = {"run_curves": scores[::-1], "measures": pd.DataFrame(measures), "datasets": DATASETS}
    found = explorer.content({**tables, "treatments": pd.DataFrame({"family": ["clean"]})})
    dev, train = (
        found["curves"].index(["dev", *rest]) if split == "dev" else found["curves"].index([split, *rest])
        for split, rest in (("dev", [*SCORE.values()][1:]), ("train", [*SCORE.values()][1:]))
    )
    assert found["runs"] == [
        ["news", "clean", "bert", 0, 0, [[dev, [0.3, 0.4124]], [train, [0.5, 0.6]]], [2.0, 3.0]],
        ["news", "clean", "bert", 0, 1, [[dev, [0.1, 0.2]]], None],
    ]
    assert [found["names"][number] for number in (dev, train)] == [
        "dev F1, true labels",
        "train F1, true labels, epoch-end",
    ]
    own = explorer.content(
        {**tables, "datasets": DATASETS.assign(own=True), "treatments": pd.DataFrame({"family": ["cap"]})}
    )
    assert own["names"][dev] == "dev F1, labels of the file"


def test_a_words_row_leads_to_its_names_and_its_quote() -> None:
    where = {
        **PLACE,
        "view": "epoch-end",
        "list": "highest-loss",
        "rank": 1,
        "true_label": "B-LOC",
        "given_label": "O",
        "noisy": True,
    }
    values = {"forgetting": 2.0, "first_learned": 3.5, "loss": 1.23456, "n": 3}
    place = {"dataset": "news", "sentence": 7, "position": 2}
    rows = pd.DataFrame(
        [{**where, **place, **values, "mistaken_for": None}, {**where, **place, **values, "mistaken_for": "B-PER"}]
    )
    other = {**place, "position": 1, "before": "", "token": "the", "after": "b c"}
    quotes = pd.DataFrame([other, {**place, "before": "the b", "token": "c", "after": ""}])
    found = words.content({"words": rows, "quotes": quotes})
    first, second = (dict(zip(found["columns"], row, strict=True)) for row in found["rows"])
    assert [found["names"][first[name]] for name in ("dataset", "list", "true_label", "given_label")] == [
        "news",
        "highest-loss",
        "B-LOC",
        "O",
    ]
    assert found["quotes"][first["quote"]] == [7, 2, "the b", "c", ""]
    assert (first["mistaken_for"], found["names"][second["mistaken_for"]]) == (-1, "B-PER")
    assert (first["noisy"], first["loss"], first["first_learned"], first["n"]) == (1, 1.2346, 3.5, 3)
