"""The number of sentences from which on a class is learned, per run and over runs."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settling.analysis.caps import cap_table, class_thresholds
from settling.analysis.estimates import estimate
from settling.schemas import SCHEMAS
from settling.treatments import family_of

Scores = dict[int, float]


def measured(f1: Scores, clean: float | None, kind: str = "cap", seed: int = 0, noise_seed: int = 0) -> pd.DataFrame:
    """Return the measures of one seed: the F1 of LOC at each number of sentences, and on clean data."""
    rows = [(kind, "LOC", number, noise_seed, "LOC", value) for number, value in f1.items()]
    rows += [(kind, "LOC", number, noise_seed, "all", 0.9) for number in f1]
    if clean is not None:
        rows += [("clean", None, None, 0, "LOC", clean), ("clean", None, None, 0, "all", 0.95)]
    table = pd.DataFrame(rows, columns=["kind", "cap_class", "cap_sentences", "noise_seed", "class", "value"])
    table.insert(0, "family", [family_of({"kind": name}) for name in table["kind"]])
    place = {"dataset": "news", "system": "bert", "seed": seed, "selected_epoch": "best", "split": "dev"}
    return table.assign(**place, view="epoch-end", reference="true", metric="f1")


def thresholds_of(measures: pd.DataFrame) -> tuple[float, float]:
    """Return where the one run starts and levels."""
    found = class_thresholds(measures).set_index("quantity")["value"]
    assert sorted(found.index) == ["levels", "starts"]
    return found["starts"], found["levels"]


def test_a_threshold_is_where_the_score_stays_above_its_share_of_the_clean_one() -> None:
    # 10 % and 90 % of 0.5 are 0.05 and 0.45. At 5 the class is there by luck, at 15 it is gone again.
    f1 = {5: 0.1, 15: 0.04, 25: 0.05, 50: 0.46, 75: 0.44, 100: 0.45, 200: 0.49}
    assert thresholds_of(measured(f1, 0.5)) == (25, 100)


def test_the_order_of_the_rows_is_of_no_consequence() -> None:
    f1 = {5: 0.0, 25: 0.5, 100: 0.8}
    assert thresholds_of(measured(f1, 0.8).sample(frac=1, random_state=1)) == (25, 100)


def test_a_class_that_is_never_learned_has_no_threshold() -> None:
    starts, levels = thresholds_of(measured({5: 0.0, 25: 0.3}, 0.8))
    assert starts == 25
    assert math.isnan(levels)
    assert all(math.isnan(value) for value in thresholds_of(measured({5: 0.9, 25: 0.0}, 0.8)))


def test_a_score_of_nothing_is_no_start_even_where_clean_data_teach_nothing_either() -> None:
    assert all(math.isnan(value) for value in thresholds_of(measured({5: 0.0, 25: 0.0}, 0.0)))


def test_each_run_is_held_against_the_clean_run_of_its_own_seed_whatever_its_draw() -> None:
    f1 = {5: 0.3, 25: 0.6}
    table = class_thresholds(
        pd.concat([measured(f1, 0.6, seed=0, noise_seed=3), measured(f1, 0.3, seed=1, noise_seed=4)])
    )
    values = {(row.seed, row.noise_seed, row.quantity): row.value for row in table.itertuples()}
    assert values == {(0, 3, "starts"): 5, (0, 3, "levels"): 25, (1, 4, "starts"): 5, (1, 4, "levels"): 5}


def test_an_arm_without_its_clean_run_is_left_out() -> None:
    assert class_thresholds(measured({5: 0.3}, None)).empty
    assert cap_table(class_thresholds(measured({5: 0.3}, None))).empty


def test_only_dev_f1_of_the_capped_class_at_the_best_epoch_counts() -> None:
    good = measured({5: 0.0, 25: 0.8}, 0.8)
    noise = [
        good.assign(**{name: other}, value=0.8)
        for name, other in (
            ("selected_epoch", "final"),
            ("split", "test"),
            ("metric", "recall"),
            ("view", "minibatch"),
            ("reference", "given"),
        )
    ]
    assert thresholds_of(pd.concat([good, *noise])) == (25, 25)


f1s = st.floats(0, 1).map(lambda value: round(value, 2))
runs = st.dictionaries(
    st.tuples(st.sampled_from(["cap", "cap-relabel", "drop"]), st.integers(0, 2), st.integers(0, 1)),
    st.dictionaries(st.sampled_from([5, 15, 25, 50]), f1s, min_size=1),
    min_size=1,
)


@settings(deadline=None, max_examples=50)
@given(runs=runs, clean=st.lists(f1s, min_size=3, max_size=3))
def test_thresholds_agree_with_a_loop_over_runs(runs: dict[tuple[str, int, int], Scores], clean: list[float]) -> None:
    parts = [measured(f1, clean[seed], kind, seed, noise_seed) for (kind, seed, noise_seed), f1 in runs.items()]
    table = class_thresholds(pd.concat(parts).drop_duplicates())
    found = {(row.kind, row.seed, row.noise_seed, row.quantity): row.value for row in table.itertuples()}
    expected = {}
    for (kind, seed, noise_seed), f1 in runs.items():
        for quantity, share in (("starts", 0.1), ("levels", 0.9)):
            value = math.nan
            for number in sorted(f1, reverse=True):
                if not (f1[number] > 0 and f1[number] >= share * clean[seed]):
                    break
                value = number
            expected[kind, seed, noise_seed, quantity] = value
    assert found == pytest.approx(expected, nan_ok=True)


def test_the_table_has_the_mean_of_the_runs_that_have_the_threshold_and_says_how_many_have_not() -> None:
    parts = [
        measured({5: 0.1, 25: 0.8}, 0.8, seed=0),
        measured({5: 0.0, 25: 0.2}, 0.8, seed=1),
        measured({5: 0.0, 25: 0.0}, 0.8, seed=2),
    ]
    table = cap_table(class_thresholds(pd.concat(parts)))
    assert list(table.columns) == SCHEMAS["caps"].names
    starts = table[table["quantity"] == "starts"].iloc[0]
    assert (starts["mean"], starts["n"], starts["runs"]) == (15, 2, 3)
    values = pd.DataFrame({"key": 0, "value": [5.0, 25.0]})
    assert starts[["low", "high"]].tolist() == estimate(values, ["key"])[["low", "high"]].iloc[0].tolist()
    levels = table[table["quantity"] == "levels"].iloc[0]
    assert (levels["mean"], levels["n"], levels["runs"]) == (25, 1, 3)
    assert np.isnan(levels["low"])


def test_a_threshold_that_no_run_has_is_a_row_without_a_mean() -> None:
    table = cap_table(class_thresholds(measured({5: 0.0}, 0.8)))
    assert table["mean"].isna().all()
    assert table["n"].tolist() == [0, 0]
    assert table["runs"].tolist() == [1, 1]


def test_a_threshold_says_up_to_which_number_of_sentences_it_was_looked_for() -> None:
    found = class_thresholds(pd.concat([measured({5: 0.0, 25: 0.0}, 0.8), measured({5: 0.0}, 0.8, seed=1)]))
    assert dict(zip(found["seed"], found["largest"], strict=True)) == {0: 25, 1: 5}


def test_a_class_that_dev_lacks_has_no_threshold_and_is_said_to_be_undefined_not_unlearned() -> None:
    found = class_thresholds(measured({5: math.nan, 25: math.nan}, math.nan))
    assert found["value"].isna().all()
    assert set(found["undefined"]) == {"undefined: dev has no mention of LOC"}
    table = cap_table(pd.concat([found, class_thresholds(measured({5: 0.0}, 0.8)).assign(cap_class="PER")]))
    # None of the runs could have a threshold; of the other class one could, and has none.
    assert {(row.cap_class, row.n, row.runs) for row in table.itertuples()} == {("LOC", 0, 0), ("PER", 0, 1)}
    assert table["mean"].isna().all()
