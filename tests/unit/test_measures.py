"""What holds for single runs, and what compares systems: by hand, and against naive loops, on the small study."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from settling.analysis.aggregate import aggregate
from settling.analysis.measures import first_learned_mean
from settling.errors import BadInput
from settling.study import Run, runs_of
from tests.unit.small_study import (
    SHARE,
    STEPS,
    SYSTEMS,
    TREATMENTS,
    Pick,
    Row,
    block,
    rows_of,
    scores,
    spec_of,
    tables_of,
    write,
    write_card,
    write_runs,
)

BLOCKS = [
    block(["clean", "noise-flip-20"], [0, 1], [0, 1], ("base", "a-proto")),
    block(["noise-flip-20"], [0], [1], ("another", "crf")),
    block(["cap-LOC-5"], [0], [0]),
]
RUNS = runs_of(BLOCKS, TREATMENTS)
SPEC = spec_of(BLOCKS, ["clean", "noise-flip-20", "cap-LOC-5"], [*SYSTEMS])


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tables_of(tmp_path_factory.mktemp("results"), RUNS, SPEC)


BASE_ALL: Row = {"baseline_system": "base", "class": "all"}


def place(run: Run) -> Row:
    return {name: getattr(run, name) for name in ("dataset", "treatment", "noise_seed", "system", "seed")}


def at_selected_epochs(run: Run) -> dict[tuple[Any, ...], float]:
    """Return a run's scores at its best and its final epoch, found in a loop."""
    rows = scores(run)
    dev = [row["value"] for row in rows if (row["split"], row["class"]) == ("dev", "all")]
    epochs = {"best": dev.index(max(dev)), "final": len(dev) - 1}
    score = ("split", "view", "reference", "class", "metric")
    return {
        (selected_epoch, *(row[name] for name in score)): row["value"]
        for selected_epoch, epoch in epochs.items()
        for row in rows
        if row["epoch"] == epoch
    }


@pytest.mark.parametrize("run", RUNS, ids=lambda run: str(run.place))
def test_every_score_of_a_run_is_measured_at_its_best_and_final_epoch(run: Run, pick: Pick) -> None:
    score = ("selected_epoch", "split", "view", "reference", "class", "metric")
    rows = [row for row in pick("measures", **place(run)) if row["selected_epoch"] in ("best", "final")]
    found = {tuple(row[name] for name in score): row["value"] for row in rows}
    assert len(found) == len(rows)
    assert found == pytest.approx(at_selected_epochs(run))


def whole(pick: Pick, run: Run) -> dict[str, float]:
    """Return what is measured of a run as a whole, by metric, the class beside it where it is not `all`."""
    rows = pick("measures", selected_epoch="run", split="train", reference="given", view="epoch-end", **place(run))
    return {row["metric"] + ("" if row["class"] == "all" else f" {row['class']}"): row["value"] for row in rows}


def test_a_run_that_settles_by_hand(pick: Pick) -> None:
    # Dev F1 is 0.2, 0.8, 0.8. Four words: first learned at 0, 0 and 2, and never, which counts as 3; one is forgotten.
    assert whole(pick, Run("news", "clean", 0, "base", 0)) == {
        "settles": 1,
        "fitting_epochs": 1,
        "settling_epochs": 2,
        "settling_steps": 2 * STEPS / 3,
        "near_best_epochs": 2,
        "near_best_open_ended": 1,
        "open_ended": 1,
        "forgettable": 1,
        "unforgettable": 3,
        "learned": 3,
        "forgettable_ratio": pytest.approx(1 / 3),
        "first_learned_mean": 5 / 4,
        # One at 0, one at 2, one never.
        "first_learned_mean LOC": pytest.approx(5 / 3),
    }


def test_a_noisy_run_that_does_not_settle_by_hand(pick: Pick) -> None:
    # Dev F1 is 0.6, 0.4, 0.2; noisy accuracy 0, 0.25, 0.5.
    assert whole(pick, Run("news", "noise-flip-20", 1, "base", 0)) == {
        "settles": 0,
        "settling_epochs": 0,
        "settling_steps": 0,
        "near_best_epochs": 1,
        "near_best_open_ended": 0,
        "memorised": 0.5,
        "forgettable": 1,
        "unforgettable": 6,
        "learned": 4,
        "forgettable_ratio": 0.25,
        # Of the three noisy words, one at 2, two never.
        "first_learned_mean": pytest.approx(13 / 7),
        "first_learned_mean LOC": pytest.approx(5 / 3),
    }


def test_where_nothing_is_learned_the_mean_first_learning_event_is_the_number_of_epochs() -> None:
    row: Row = {"dataset": "news", "treatment": "cap-LOC-5", "percent": None, "cap_class": "LOC"}
    row |= {"family": "cap", "kind": "cap"}
    row |= {"cap_sentences": 5, "noise_seed": 0, "system": "base", "view": "epoch-end", "class": "LOC", "noisy": False}
    row |= {"first_learned": -1, "epochs": 4, "words": 7}
    found = first_learned_mean(pd.DataFrame([{**row, "seed": 0}, {**row, "seed": 1, "epochs": 6}]))
    assert found[["seed", "value"]].to_numpy().tolist() == [[0, 4], [1, 6]]


def test_the_settled_epoch_is_the_last_settled_epoch_of_the_runs_that_settle(pick: Pick) -> None:
    # Of clean, seed 0 alone settles, at epochs 1 and 2.
    found = pick("measures", selected_epoch="settled", system="base", treatment="clean")
    assert {row["seed"] for row in found} == {0}
    final = pick("measures", selected_epoch="final", system="base", treatment="clean", seed=0)
    assert [row["value"] for row in found] == [row["value"] for row in final]
    (dev,) = pick(
        "summary",
        selected_epoch="settled",
        treatment="clean",
        system="base",
        split="dev",
        metric="f1",
        **{"class": "all"},
    )
    assert (dev["n"], dev["mean"]) == (1, 0.8)
    assert pick("measures", selected_epoch="settled", treatment="noise-flip-20") == []


def settles(tmp_path: Path, views: dict[str, list[float]]) -> list[Row]:
    """Return the measures of a run whose train F1 in each view is the given one, on a flat dev F1, with no noise."""
    run = Run("news", "clean", 0, "base", 0)
    write_runs(tmp_path, [run])
    dev: Row = {"split": "dev", "view": "epoch-end", "reference": "true", "class": "all", "metric": "f1"}
    rows = [{**dev, "epoch": epoch, "value": 0.8} for epoch in range(5)]
    for view, values in views.items():
        of_view = {**dev, "split": "train", "view": view, "reference": "given"}
        rows += [{**of_view, "epoch": epoch, "value": value} for epoch, value in enumerate(values)]
    write(tmp_path / run.scores, "scores", rows, steps=STEPS)
    write_card(tmp_path, run)
    spec = spec_of([block(["clean"], [0], [0])], ["clean"])
    aggregate(spec, tmp_path, tmp_path / "tables")
    return rows_of(tmp_path / "tables", "measures")


def test_each_view_has_its_phases_and_the_settled_epoch_is_that_of_epoch_end(tmp_path: Path) -> None:
    rows = settles(tmp_path, {"minibatch": [0.1, 0.9, 0.9, 0.9, 0.9], "epoch-end": [0.2, 0.3, 0.91, 0.92, 0.1]})
    lengths = {(row["view"], row["metric"]): row["value"] for row in rows if row["selected_epoch"] == "run"}
    assert (lengths["minibatch", "settling_epochs"], lengths["epoch-end", "settling_epochs"]) == (4, 2)
    assert (lengths["minibatch", "open_ended"], lengths["epoch-end", "open_ended"]) == (1, 0)
    settled = {(row["split"], row["view"]): row["value"] for row in rows if row["selected_epoch"] == "settled"}
    assert settled == {("dev", "epoch-end"): 0.8, ("train", "minibatch"): 0.9, ("train", "epoch-end"): 0.92}


def test_a_run_that_settles_in_the_minibatch_view_alone_has_no_settled_epoch(tmp_path: Path) -> None:
    rows = settles(tmp_path, {"minibatch": [0.9] * 5, "epoch-end": [0.1] * 5})
    assert {row["selected_epoch"] for row in rows} == {"best", "final", "run"}


def test_the_minibatch_view_has_a_settled_epoch_where_there_is_no_other(tmp_path: Path) -> None:
    rows = settles(tmp_path, {"minibatch": [0.9] * 5})
    assert {row["selected_epoch"] for row in rows} == {"best", "final", "run", "settled"}


def test_lengths_of_phases_are_means_over_the_runs_that_have_them(pick: Pick) -> None:
    rows = pick("phases", treatment="clean", system="base")
    found = {row["quantity"]: (row["mean"], row["unit"], row["n"], row["runs"]) for row in rows}
    assert found == {
        "settles": (0.5, "share", 2, 2),
        "fitting_epochs": (1, "epochs", 1, 2),
        "settling_epochs": (1, "epochs", 2, 2),
        "settling_steps": (STEPS / 3, "steps", 2, 2),
        "near_best_epochs": (1.5, "epochs", 2, 2),
        "near_best_open_ended": (1, "share", 2, 2),
        "open_ended": (1, "share", 1, 2),
    }
    none = pick("phases", treatment="noise-flip-20", system="base", quantity="fitting_epochs")
    assert [(row["mean"], row["low"], row["n"], row["runs"]) for row in none] == [(None, None, 0, 4)]


def test_systems_are_compared_over_the_runs_they_have_in_common(pick: Pick) -> None:
    rows = {run: at_selected_epochs(run) for run in RUNS}
    expected: dict[tuple[Any, ...], list[float]] = {}
    for one, other in permutations(RUNS, 2):
        if (one.treatment, one.noise_seed, one.seed) == (other.treatment, other.noise_seed, other.seed):
            for key, value in rows[one].items():
                _, split, *_, metric = key
                if split != "train" and metric == "f1":
                    pair = (one.treatment, one.system, other.system, *key)
                    expected.setdefault(pair, []).append(rows[other][key] - value)
    names = (
        "treatment",
        "baseline_system",
        "system",
        "selected_epoch",
        "split",
        "view",
        "reference",
        "class",
        "metric",
    )
    found = {tuple(row[name] for name in names): row for row in pick("contrasts")}
    for key, row in found.items():
        differences = expected[key]
        assert (row["n"], row["mean"]) == (len(differences), pytest.approx(sum(differences) / len(differences)))
    # Each pair once: of every difference, either it or its opposite is there.
    assert len(found) == len(expected) / 2
    assert found["noise-flip-20", "base", "a-proto", "final", "dev", "epoch-end", "true", "all", "f1"]["n"] == 4
    assert found["noise-flip-20", "base", "crf", "final", "dev", "epoch-end", "true", "all", "f1"]["n"] == 1


def test_a_pretrained_encoder_is_the_baseline_and_then_what_is_pretrained(pick: Pick) -> None:
    pairs = {(row["baseline_system"], row["system"]) for row in pick("contrasts")}
    order = ["base", "a-proto", "another", "crf"]
    assert pairs == {(one, other) for place, one in enumerate(order) for other in order[place + 1 :]}


def test_a_contrast_has_the_sign_of_the_system_less_its_baseline(pick: Pick) -> None:
    (row,) = pick(
        "contrasts",
        treatment="noise-flip-20",
        system="crf",
        selected_epoch="best",
        split="dev",
        metric="f1",
        **BASE_ALL,
    )
    # Draw 1, seed 0: the best of `base` is 0.6.
    assert row["mean"] == pytest.approx((SHARE["crf"] - SHARE["base"]) * 0.6)


def test_first_learning_events_of_a_capped_class_are_counted_by_true_label(pick: Pick) -> None:
    rows = pick("first_learned", treatment="noise-flip-20", system="base", noisy=False, **{"class": "LOC"})
    assert {row["epoch"]: row["mean"] for row in rows} == pytest.approx({-1: 1 / 3, 0: 1 / 3, 1: 0, 2: 1 / 3})
    # The noisy words are given B-LOC, and none is one.
    assert pick("first_learned", noisy=True, **{"class": "LOC"}) == []


def test_the_authors_counting_stands_beside_that_of_words(pick: Pick) -> None:
    rows = pick("forgetting", treatment="clean", system="base", metric="unforgettable")
    assert {row["counting"]: (row["mean"], row["n"]) for row in rows} == {"words": (3, 2), "authors": (49, 2)}


def test_the_words_that_stand_out_are_the_mean_over_seeds_of_a_noise_seed(pick: Pick) -> None:
    rows = pick("words", treatment="noise-flip-20", system="base", list="most-forgotten")
    assert [(row["noise_seed"], row["rank"], row["word"], row["forgetting"], row["n"]) for row in rows] == [
        (0, 1, 1, 1, 2),
        (1, 1, 1, 1, 2),
    ]
    # By hand: word 3 and the noisy words 4 and 5 are never learned, which counts as epoch 3, the number of epochs.
    last = pick("words", treatment="noise-flip-20", system="base", list="last-learned", noise_seed=0)
    assert [(row["word"], row["first_learned"], row["noisy"]) for row in last[:3]] == [
        (3, 3, False),
        (4, 3, True),
        (5, 3, True),
    ]


def test_the_curves_of_each_run_are_those_of_all_classes_and_of_the_capped_one(pick: Pick) -> None:
    where = {"treatment": "cap-LOC-5", "noise_seed": 0, "seed": 0, "system": "base", "split": "dev", "metric": "f1"}
    curves = {name: [row["value"] for row in pick("run_curves", **where, **{"class": name})] for name in ("all", "LOC")}
    assert curves == {"all": [0.1, 0.5, 0.6], "LOC": pytest.approx([0.01, 0.05, 0.06])}
    assert {row["class"] for row in pick("run_curves", treatment="noise-flip-20")} == {"all"}


def test_detectors_are_there_run_by_run_and_as_estimates(pick: Pick) -> None:
    assert len(pick("detection_runs")) == len([run for run in RUNS if run.treatment == "noise-flip-20"])
    (one,) = pick("detection_runs", system="base", noise_seed=1, seed=1)
    assert (one["treatment"], one["percent"], one["detector"], one["value"]) == ("noise-flip-20", 20, "kmeans", 0.7)
    (row,) = pick("detection", system="base")
    assert (row["n"], row["mean"]) == (4, pytest.approx(0.5 + (0 + 0.1 + 0.1 + 0.2) / 4))


def test_loss_histograms_are_means_over_runs(pick: Pick) -> None:
    rows = pick("loss_histogram", system="base", noisy=True)
    assert [(row["low_edge"], row["mean"], row["n"]) for row in rows] == [
        (0, pytest.approx(0.1), 4),
        (1, pytest.approx(0.9), 4),
    ]


def test_systems_are_told_as_they_are(pick: Pick) -> None:
    assert {row.pop("system"): row for row in pick("systems")} == SYSTEMS


def without_steps(results: Path) -> str:
    write(results / RUNS[0].scores, "scores", scores(RUNS[0]))
    write_card(results, RUNS[0])
    return "steps: found None"


def with_fewer_words(results: Path) -> str:
    run = next(run for run in RUNS if run.treatment == "noise-flip-20")
    (results / run.events).write_bytes((results / RUNS[0].events).read_bytes())
    return "4 words; .* has 7"


def without_detectors(results: Path) -> str:
    run = next(run for run in RUNS if run.treatment == "noise-flip-20")
    (results / run.detectors).unlink()
    return "detectors.parquet: no such file"


def with_losses_for_detectors(results: Path) -> str:
    run = next(run for run in RUNS if run.treatment == "noise-flip-20")
    (results / run.detectors).write_bytes((results / run.losses).read_bytes())
    return "are not a detectors table"


@pytest.mark.parametrize("spoil", [without_steps, with_fewer_words, without_detectors, with_losses_for_detectors])
def test_a_file_that_is_of_no_use_is_named(tmp_path: Path, spoil: Callable[[Path], str]) -> None:
    write_runs(tmp_path, RUNS)
    message = spoil(tmp_path)
    with pytest.raises(BadInput, match=message):
        aggregate(SPEC, tmp_path, tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("key", ["treatments", "systems", "experiments"])
def test_a_spec_that_lacks_something_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(BadInput, match=f"spec: {key}: missing"):
        aggregate({name: value for name, value in SPEC.items() if name != key}, tmp_path, tmp_path / "tables")


@pytest.mark.parametrize(("key", "name"), [("treatments", "clean"), ("systems", "crf")])
def test_a_spec_that_lacks_what_its_experiments_name_is_refused(tmp_path: Path, key: str, name: str) -> None:
    less = {**SPEC, key: {other: value for other, value in SPEC[key].items() if other != name}}
    with pytest.raises(BadInput, match=f"spec: {key}: found no {name}"):
        aggregate(less, tmp_path, tmp_path / "tables")
