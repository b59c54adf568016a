"""The tables of the small study, each value worked out on paper; test_measures.py holds those of single runs."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from settling.analysis.aggregate import aggregate, treatment_columns
from settling.analysis.findings import write_findings
from settling.errors import BadInput
from settling.layout import TABLES, Run
from settling.tables import metadata_of, read_table
from tests.unit.small_study import (
    STEPS,
    TREATMENTS,
    Pick,
    Row,
    block,
    events,
    rows_of,
    scores,
    spec_of,
    tables_of,
    write,
    write_card,
    write_runs,
)

BLOCKS = [
    block(["clean", "noise-flip-20"], [0, 1], [0, 1]),
    block(["cap-LOC-5", "drop-LOC-5"], [0], [0, 1]),
    block(["cap-relabel-LOC-25", "noise-flip-40"], [0], [0]),
]
RUNS = [
    *(Run("news", "clean", 0, "base", seed) for seed in (0, 1)),
    *(Run("news", "noise-flip-20", noise_seed, "base", seed) for noise_seed in (0, 1) for seed in (0, 1)),
    *(Run("news", name, noise_seed, "base", 0) for name in ("cap-LOC-5", "drop-LOC-5") for noise_seed in (0, 1)),
    Run("news", "cap-relabel-LOC-25", 0, "base", 0),
    Run("news", "noise-flip-40", 0, "base", 0),
]
SPEC = spec_of(BLOCKS)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tables_of(tmp_path_factory.mktemp("results"), RUNS, SPEC)


ALL_DEV: Row = {"split": "dev", "class": "all", "metric": "f1"}


def test_curves_are_means_over_noise_seeds_and_seeds(pick: Pick) -> None:
    rows = pick("curves", treatment="noise-flip-20", **ALL_DEV)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert [row["n"] for row in rows] == [4, 4, 4]
    assert [row["mean"] for row in rows] == pytest.approx([1.5 / 4, 2.1 / 4, 1.4 / 4])
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows)


def test_one_run_has_a_mean_and_no_interval(pick: Pick) -> None:
    (row,) = pick("curves", treatment="noise-flip-40", epoch=1, **ALL_DEV)
    assert (row["mean"], row["n"], row["sd"], row["low"], row["high"]) == (0.1, 1, None, None, None)


def test_the_final_selected_epoch_is_the_last_epoch(pick: Pick) -> None:
    (row,) = pick("summary", treatment="noise-flip-20", selected_epoch="final", **ALL_DEV)
    assert row["mean"] == pytest.approx(1.4 / 4)


def test_the_best_selected_epoch_is_each_run_s_best_epoch_on_dev_and_holds_for_every_score(pick: Pick) -> None:
    (dev,) = pick("summary", treatment="noise-flip-20", selected_epoch="best", **ALL_DEV)
    assert dev["mean"] == pytest.approx((0.7 + 0.5 + 0.6 + 0.5) / 4)
    (loc,) = pick("summary", treatment="noise-flip-20", selected_epoch="best", **{**ALL_DEV, "class": "LOC"})
    assert loc["mean"] == pytest.approx(dev["mean"] / 10)
    (test,) = pick("summary", treatment="noise-flip-20", selected_epoch="best", **{**ALL_DEV, "split": "test"})
    assert test["mean"] == pytest.approx(dev["mean"] + 0.1)
    # Best at epochs 1, 1, 0 and 1; noisy accuracy is a quarter of the epoch.
    (noisy,) = pick("summary", treatment="noise-flip-20", selected_epoch="best", metric="noisy_accuracy")
    assert noisy["mean"] == pytest.approx(3 / 4 / 4)


def test_of_equally_good_epochs_the_first_is_best(tmp_path: Path) -> None:
    # The scores of training are made to tell which epoch was taken.
    write_runs(tmp_path, RUNS)
    for run in RUNS:
        rows = [{**row, "value": row["epoch"]} if row["split"] == "train" else row for row in scores(run)]
        write(tmp_path / run.scores, "scores", rows, steps=STEPS)
        write_card(tmp_path, run)
    aggregate(SPEC, tmp_path, tmp_path / "tables")
    found = read_table(tmp_path / "tables" / "summary.parquet", "summary").to_pylist()
    means = {
        row["treatment"]: row["mean"] for row in found if (row["split"], row["selected_epoch"]) == ("train", "best")
    }
    # Clean: epochs 1 of a tie and 2. Drop: epochs 1 of a tie and 2. Relabelled: 0 of three that tie.
    assert (means["clean"], means["drop-LOC-5"], means["cap-relabel-LOC-25"]) == (1.5, 1.5, 0)


def test_every_noise_seed_is_compared_with_the_one_clean_run_of_its_seed(pick: Pick) -> None:
    (final,) = pick("effects", treatment="noise-flip-20", baseline="clean", selected_epoch="final", **ALL_DEV)
    differences = [0.5 - 0.8, 0.4 - 0.7, 0.2 - 0.8, 0.3 - 0.7]
    assert (final["n"], final["mean"]) == (4, pytest.approx(sum(differences) / 4))
    assert min(differences) <= final["low"] <= final["mean"] <= final["high"] <= max(differences)
    (best,) = pick("effects", treatment="noise-flip-20", baseline="clean", selected_epoch="best", **ALL_DEV)
    assert best["mean"] == pytest.approx((0.7 - 0.8 + 0.5 - 0.7 + 0.6 - 0.8 + 0.5 - 0.7) / 4)


def test_a_run_without_a_clean_twin_of_its_seed_is_in_no_comparison(pick: Pick) -> None:
    # noise-flip-40 has seed 0 alone, so clean's seed 1 must not enter.
    (row,) = pick("effects", treatment="noise-flip-40", selected_epoch="final", **ALL_DEV)
    assert (row["n"], row["mean"]) == (1, pytest.approx(0.1 - 0.8))


def test_a_cap_is_compared_with_its_control_arm_of_the_same_noise_seed(pick: Pick) -> None:
    (row,) = pick("effects", treatment="cap-LOC-5", baseline="drop-LOC-5", selected_epoch="final", **ALL_DEV)
    assert (row["n"], row["mean"]) == (2, pytest.approx((0.6 - 0.7 + 0.4 - 0.9) / 2))
    assert row["sd"] == pytest.approx(0.2 * 2**0.5)


def test_which_treatments_are_compared(pick: Pick) -> None:
    pairs = {(row["treatment"], row["baseline"]) for row in pick("effects")}
    against_clean = {(name, "clean") for name in TREATMENTS if name != "clean"}
    # cap-relabel-LOC-25 keeps another number of sentences, so it is no control of cap-LOC-5.
    assert pairs == against_clean | {("cap-LOC-5", "drop-LOC-5")}
    assert {row["split"] for row in pick("effects")} == {"dev", "test"}


def test_every_epoch_is_in_the_first_learned_even_where_no_word_was(pick: Pick) -> None:
    for noisy, shares in ((False, [1 / 4, 2 / 4, 0, 1 / 4]), (True, [2 / 3, 0, 0, 1 / 3])):
        rows = pick("first_learned", treatment="noise-flip-20", noisy=noisy, **{"class": "all"})
        assert [row["epoch"] for row in rows] == [-1, 0, 1, 2]
        assert [row["mean"] for row in rows] == pytest.approx(shares)
        assert {row["n"] for row in rows} == {4}
    assert pick("first_learned", treatment="clean", noisy=True) == []
    assert {row["percent"] for row in pick("first_learned")} == {None, 20, 40}


def test_runs_of_different_lengths_have_their_own_epochs(tmp_path: Path) -> None:
    write_runs(tmp_path, RUNS)
    longer = RUNS[-1]
    write(tmp_path / longer.events, "events", events(longer), epochs=5)
    aggregate(SPEC, tmp_path, tmp_path / "tables")
    rows = read_table(tmp_path / "tables" / "first_learned.parquet", "first_learned").to_pylist()
    found = {
        name: [row["epoch"] for row in rows if (row["treatment"], row["class"], row["noisy"]) == (name, "all", False)]
        for name in ("clean", longer.treatment)
    }
    assert found == {"clean": [-1, 0, 1, 2], longer.treatment: [-1, 0, 1, 2, 3, 4]}


def test_forgetting_counts_the_columns_of_the_paper_s_table_1(pick: Pick) -> None:
    def found(noisy: bool) -> dict[str, float]:
        rows = pick("forgetting", treatment="noise-flip-20", noisy=noisy, counting="words")
        return {row["metric"]: row["mean"] for row in rows}

    assert found(False) == {"forgettable": 1, "unforgettable": 3, "learned": 3, "ratio": pytest.approx(1 / 3)}
    assert found(True) == {"forgettable": 0, "unforgettable": 3, "learned": 1, "ratio": 0}


def test_a_ratio_to_no_learned_words_is_left_out(tmp_path: Path) -> None:
    write_runs(tmp_path, RUNS)
    run = RUNS[-1]
    never = [{**row, "first_learned": -1, "forgetting": 0} for row in events(run)]
    write(tmp_path / run.events, "events", never, epochs=3)
    aggregate(SPEC, tmp_path, tmp_path / "tables")
    rows = read_table(tmp_path / "tables" / "forgetting.parquet", "forgetting").to_pylist()
    clean = [
        row for row in rows if (row["treatment"], row["counting"], row["noisy"]) == (run.treatment, "words", False)
    ]
    found = {row["metric"]: row["mean"] for row in clean}
    assert found == {"forgettable": 0, "unforgettable": 4, "learned": 0}


def test_what_each_noise_seed_did_is_told_once(pick: Pick) -> None:
    rows = pick("treatments")
    assert [(row["treatment"], row["noise_seed"]) for row in rows] == sorted(
        {(run.treatment, run.noise_seed) for run in RUNS}
    )
    (row,) = pick("treatments", treatment="noise-flip-40")
    assert row == {
        "dataset": "news",
        "treatment": "noise-flip-40",
        "family": "noise",
        "kind": "flip",
        "percent": 40,
        "cap_class": None,
        "cap_sentences": None,
        "noise_seed": 0,
        "sentences": 1,
        "words": 7,
        "nominal_rate": 0.4,
        "effective_rate": 0.2,
        "effective_mention_rate": pytest.approx(40 / 150),
        "settled_f1": 0.6,
    }
    (row, _) = pick("treatments", treatment="cap-LOC-5")
    assert (row["percent"], row["cap_class"], row["cap_sentences"]) == (None, "LOC", 5)


@pytest.mark.parametrize("name", TABLES)
def test_the_csv_of_a_table_holds_what_its_parquet_does(tables: Path, name: str) -> None:
    table = read_table(tables / f"{name}.parquet", name)
    with (tables / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [{key: "" if value is None else str(value) for key, value in row.items()} for row in table.to_pylist()]
    assert rows == expected
    # One system alone is in this study; test_measures.py has several.
    assert bool(rows) == (name != "contrasts")
    assert metadata_of(table.schema)["spec"] == SPEC


def test_the_tables_do_not_depend_on_the_order_of_the_runs(tables: Path, tmp_path: Path) -> None:
    write_runs(tmp_path, RUNS)
    aggregate(spec_of(BLOCKS[::-1]), tmp_path, tmp_path / "tables")
    for name in TABLES:
        assert (tmp_path / "tables" / f"{name}.csv").read_bytes() == (tables / f"{name}.csv").read_bytes()


@pytest.mark.parametrize(
    "names",
    [["clean"], ["noise-flip-20"], ["clean", "noise-flip-20"], ["clean", "cap-LOC-5"], ["cap-LOC-5", "drop-LOC-5"]],
    ids=" ".join,
)
def test_a_study_of_some_treatments_alone_has_all_tables_and_findings(tmp_path: Path, names: list[str]) -> None:
    runs = [run for run in RUNS if run.treatment in names and (run.noise_seed, run.seed) == (0, 0)]
    write_runs(tmp_path, runs)
    aggregate(spec_of([block(names, [0], [0])], names), tmp_path, tmp_path / "tables")
    sizes = {name: len(read_table(tmp_path / "tables" / f"{name}.parquet", name)) for name in TABLES}
    noise = {"detection_runs", "detection", "loss_histogram"}
    lacking = {
        "contrasts",
        *({"effects"} if len(names) == 1 else ()),
        *({"caps"} if names != ["clean", "cap-LOC-5"] else ()),
        *(noise if "noise-flip-20" not in names else ()),
    }
    assert {name for name, size in sizes.items() if not size} == lacking
    write_findings(tmp_path / "tables", tmp_path / "findings.txt")
    assert len((tmp_path / "findings.txt").read_text().splitlines()) == 3


def test_a_missing_run_is_named_and_no_table_written(tmp_path: Path) -> None:
    write_runs(tmp_path, RUNS)
    (tmp_path / RUNS[3].events).unlink()
    with pytest.raises(BadInput, match=str(RUNS[3].events)):
        aggregate(SPEC, tmp_path, tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


def test_the_findings_are_three_lines_with_values_of_the_tables(tables: Path, tmp_path: Path) -> None:
    write_findings(tables, tmp_path / "findings.txt")
    noise, memorisation, scarcity = (tmp_path / "findings.txt").read_text().splitlines()
    # Most noise is 40 %, one run: best 0.3, last 0.1. Clean: best 0.75, last 0.75 over two seeds.
    wrong = "wrong are 0.20 of the words, 0.27 of the mentions"
    assert noise.startswith(f"Noise: dev F1 of base on news, 40 % noise ({wrong}): best 0.30 (n=1), last 0.10 (n=1); ")
    assert "best 0.75 [" in noise
    assert noise.endswith("(n=2).")
    assert "of the wrong labels, base gave 0.00 (n=1) when dev F1 was best and 0.50 (n=1) at the end" in memorisation
    # Class LOC at the end, against clean of seed 0: 0.06 - 0.08 and 0.04 - 0.08.
    assert scarcity.startswith("Scarcity: dev F1 of LOC against all its sentences (base on news): 5 sentences -0.03 [")
    assert scarcity.endswith("(n=2).")


@pytest.fixture(scope="module")
def without_loc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the study where dev has no mention of LOC, and one run's train has no entity at all."""
    results = tmp_path_factory.mktemp("undefined")
    write_runs(results, RUNS)
    for run in RUNS:
        bare = run.treatment == "cap-relabel-LOC-25"
        undefined = ({"split": "dev", "class": "LOC"}, *([{"split": "train", "metric": "f1"}] if bare else []))
        rows = [
            {**row, "value": None} if any(name.items() <= row.items() for name in undefined) else row
            for row in scores(run)
        ]
        write(results / run.scores, "scores", rows, steps=STEPS)
        write_card(results, run)
    aggregate(SPEC, results, results / "tables")
    return results / "tables"


def test_what_a_class_without_a_mention_scores_is_null_everywhere_and_never_0(without_loc: Path) -> None:
    for name, run_by_run in (("measures", True), ("run_curves", True), ("summary", False), ("curves", False)):
        rows = rows_of(without_loc, name, split="dev", metric="f1", **{"class": "LOC"})
        assert rows, name
        if run_by_run:
            assert {row["value"] for row in rows} == {None}
        else:
            assert {(row["mean"], row["low"], row["n"]) for row in rows} == {(None, None, 0)}
    effects = rows_of(without_loc, "effects", split="dev", metric="f1", **{"class": "LOC"})
    assert {(row["mean"], row["n"]) for row in effects} == {(None, 0)}
    caps = rows_of(without_loc, "caps")
    assert caps
    assert {(row["mean"], row["n"], row["runs"]) for row in caps} == {(None, 0, 0)}


def test_other_classes_keep_their_numbers(without_loc: Path, pick: Pick) -> None:
    expected = pick("summary", **ALL_DEV)
    assert expected
    assert rows_of(without_loc, "summary", **ALL_DEV) == expected


def test_a_run_without_an_entity_in_train_has_undefined_phases(without_loc: Path) -> None:
    rows = rows_of(without_loc, "phases", treatment="cap-relabel-LOC-25")
    found = {row["quantity"]: (row["mean"], row["n"], row["runs"]) for row in rows}
    assert found["settles"] == found["settling_epochs"] == found["fitting_epochs"] == (None, 0, 1)
    # This is of dev alone.
    assert found["near_best_epochs"] == (0, 1, 1)


def test_a_run_whose_dev_has_no_entity_has_no_best_epoch_and_the_tables_are_made(tmp_path: Path) -> None:
    runs = [run for run in RUNS if run.treatment == "clean"]
    write_runs(tmp_path, runs)
    for run in runs:
        rows = [{**row, "value": None} if row["split"] == "dev" else row for row in scores(run)]
        write(tmp_path / run.scores, "scores", rows, steps=STEPS)
        write_card(tmp_path, run)
    aggregate(spec_of([block(["clean"], [0, 1], [0])], ["clean"]), tmp_path, tmp_path / "tables")
    assert {row["selected_epoch"] for row in rows_of(tmp_path / "tables", "summary")} == {"final"}
    whole = {row["metric"]: row["value"] for row in rows_of(tmp_path / "tables", "measures", selected_epoch="run")}
    assert whole["near_best_epochs"] is None
    assert whole["settles"] is None
    assert whole["learned"] == 3


def findings_of(results: Path, names: list[str], undefined: Callable[[Row], bool]) -> list[str]:
    """Return the findings of seed 0 and draw 0 of these treatments, with null for the scores that are undefined."""
    runs = [run for run in RUNS if run.treatment in names and (run.noise_seed, run.seed) == (0, 0)]
    write_runs(results, runs)
    for run in runs:
        rows = [{**row, "value": None} if undefined(row) else row for row in scores(run)]
        write(results / run.scores, "scores", rows, steps=STEPS)
        write_card(results, run)
    aggregate(spec_of([block(names, [0], [0])], names), results, results / "tables")
    write_findings(results / "tables", results / "findings.txt")
    return (results / "findings.txt").read_text().splitlines()


def test_the_findings_of_clean_runs_alone_say_what_was_learned_late_and_what_was_forgotten(tmp_path: Path) -> None:
    # Of four words one is never right and one is forgotten, of three learned.
    assert findings_of(tmp_path, ["clean"], lambda row: False) == [
        "Training: dev F1 of base on news, clean labels: best 0.80 (n=1), last 0.80 (n=1).",
        "Learned late: 0.25 (n=1) of the training words were never right; of the 4 learned last or never, 3 of LOC, "
        "1 of no class.",
        "Forgotten: 0.33 (n=1) of the training words that were right once were wrong at a later epoch; of the 1 "
        "forgotten most often, 1 of no class.",
    ]


def test_the_findings_say_that_a_class_that_dev_lacks_has_no_score(tmp_path: Path) -> None:
    def of_loc_on_dev(row: Row) -> bool:
        return (row["split"], row["class"]) == ("dev", "LOC")

    *_, scarcity = findings_of(tmp_path, ["clean", "cap-LOC-5"], of_loc_on_dev)
    assert scarcity == (
        "Scarcity: dev F1 of LOC against all its sentences (base on news) is undefined: dev has no mention of LOC."
    )


def test_the_findings_tell_noise_that_fell_on_no_word_from_no_noise(tmp_path: Path) -> None:
    runs = [run for run in RUNS if run.treatment == "noise-flip-20"]
    write_runs(tmp_path, runs)
    for run in runs:
        rows = [row for row in scores(run) if row["metric"] != "noisy_accuracy"]
        write(tmp_path / run.scores, "scores", rows, steps=STEPS)
        write_card(tmp_path, run)
    aggregate(spec_of([block(["noise-flip-20"], [0, 1], [0, 1])], ["noise-flip-20"]), tmp_path, tmp_path / "tables")
    write_findings(tmp_path / "tables", tmp_path / "findings.txt")
    _, memorisation, _ = (tmp_path / "findings.txt").read_text().splitlines()
    assert memorisation == "Memorisation: no training word of this study was given a wrong label."


def test_a_kind_of_treatment_that_nobody_knows_is_answered_with_those_there_are(tmp_path: Path) -> None:
    spec = {**spec_of([block(["clean"], [0], [0])], ["clean"]), "treatments": {"clean": {"kind": "clen"}}}
    with pytest.raises(BadInput, match=r"spec: treatments\.clean\.kind: found 'clen'; did you mean 'clean'\?"):
        aggregate(spec, tmp_path, tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


def test_the_level_of_noise_without_one_is_its_effective_rate_over_the_noise_seeds_and_at_least_1() -> None:
    treatments = {name: {"kind": "from-file", "file": "a"} for name in ("noise-from-file-a", "noise-from-file-b")}
    treatments["noise-flip-20"] = {"kind": "flip", "percent": 20}
    rates = [("noise-from-file-a", 0, 0.064), ("noise-from-file-b", 0, 0.001), ("noise-flip-20", 0, 0.15)]
    splits = [
        (Run("news", name, noise_seed, "base", 0), pd.DataFrame({"effective_rate": [rate]}))
        for name, noise_seed, rate in [*rates, ("noise-from-file-a", 1, 0.07)]
    ]
    named = treatment_columns(splits, treatments)
    assert {name: columns["percent"] for (_, name), columns in named.items()} == {
        "noise-from-file-a": 7,
        "noise-from-file-b": 1,
        "noise-flip-20": 20,
    }
