"""Claims: what a file of them may say, which runs each takes, how verdicts fall, and what is printed."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from settling.analysis.caps import class_thresholds
from settling.analysis.estimates import bootstrap
from settling.claims.claim import Claim, read_claims
from settling.claims.decide import decide_claims, decided, judged, mean_interval, overall, share_interval
from settling.claims.text import TEXT_WIDTH, in_order, printed
from settling.claims.units import units
from settling.cli import main
from settling.errors import BadInput
from settling.frames import read_frame
from settling.schemas import SCHEMAS
from settling.tables import write_table
from settling.treatments import family_of
from settling.validation import check
from tests.conftest import ROOT

Row = dict[str, Any]
CARDS: dict[str, Row] = {
    "bert": {"kind": "encoder", "checkpoint": "bert", "pretrained": True},
    "bert-twin": {"kind": "encoder", "checkpoint": "bert", "pretrained": False},
    "mini": {"kind": "encoder", "checkpoint": "mini", "pretrained": True},
    "mini-twin": {"kind": "encoder", "checkpoint": "mini", "pretrained": False},
    "proto": {"kind": "protobert", "checkpoint": "bert", "pretrained": True},
}
BASE: Row = {
    "id": "one",
    "claim": "Noise does no harm.",
    "source": "[A]",
    "table": "measures",
    "effect": "dev F1",
    "where": {"metric": "f1"},
    "direction": "above",
    "margin": 0.5,
}


def claim(**keys: Any) -> Claim:
    found: Claim = check(Claim, {**BASE, **keys}, "claims.yaml: claim one")
    return found


def run(
    value: float,
    seed: int = 0,
    noise_seed: int | None = None,
    system: str = "bert",
    percent: int | None = None,
    **keys: Any,
) -> Row:
    """Return a row of measures; clean, unless `percent` or `cap` (class, sentences) says otherwise."""
    name, number = keys.pop("cap", (None, None))
    kind = "resample" if percent else "cap" if name else "clean"
    row = {"dataset": "news", "treatment": "clean", "percent": percent, "cap_class": name}
    row |= {"family": family_of({"kind": kind}), "kind": kind}
    row |= {
        "cap_sentences": number,
        "noise_seed": (seed if percent or name else 0) if noise_seed is None else noise_seed,
    }
    row |= {
        "system": system,
        "seed": seed,
        "selected_epoch": "best",
        "split": "dev",
        "view": "epoch-end",
        "reference": "true",
    }
    row |= {"class": "all", "metric": "f1", "value": value}
    if kind != "clean":
        row["treatment"] = f"noise-{kind}-{percent}" if percent else f"{kind}-{name}-{number}"
    return {**row, **keys}


def tables(rows: list[Row]) -> dict[str, pd.DataFrame]:
    measures = pd.DataFrame(rows, columns=SCHEMAS["measures"].names)
    measures = measures.astype({"percent": "float64", "cap_sentences": "float64", "cap_class": "str"})
    cards = {
        "centroids": None,
        "epochs": 10,
        "schedule": "linear",
        "batch_size": 8,
        "max_length": 128,
        "long_sentences": "windows",
    }
    systems = pd.DataFrame([{"system": name, **card, **cards} for name, card in CARDS.items()])
    datasets = pd.DataFrame(
        [
            {"dataset": name, "task": "ner", "unit": "word", "group": "sentence", "own": False}
            for name in {row["dataset"] for row in rows}
        ]
    )
    return {"measures": measures, "systems": systems, "datasets": datasets}


def values(found: pd.DataFrame) -> list[float]:
    return sorted(round(value, 9) for value in found["value"])


def test_each_verdict_and_its_numbers() -> None:
    def verdict(*f1: float) -> tuple[str, float, int]:
        (row,) = decided(claim(), tables([run(value, seed) for seed, value in enumerate(f1)]))
        return row["verdict"], row["mean"], row["n"]

    assert verdict(0.70, 0.72, 0.74) == ("reproduced", pytest.approx(0.72), 3)
    assert verdict(0.30, 0.32, 0.34) == ("not reproduced", pytest.approx(0.32), 3)
    assert verdict(0.40, 0.50, 0.66) == ("undecided", pytest.approx(0.52), 3)
    assert verdict(0.99) == ("undecided", pytest.approx(0.99), 1)


def test_an_undecided_claim_says_whether_a_run_or_certainty_is_lacking() -> None:
    assert decided(claim(), tables([run(0.9)]))[0]["reason"] == "one run; a verdict needs three"
    rows = [run(0.4), run(0.6, 1), run(0.5, 2)]
    assert decided(claim(), tables(rows))[0]["reason"] == "the interval holds the margin"


def test_a_verdict_needs_three_runs_pairs_or_slopes_however_far_they_lie_from_the_margin() -> None:
    def decided_on(*seeds: int, **keys: Any) -> tuple[str, str | None]:
        rows = [
            run(0.9 - percent / 1000 + percent * seed / 10**6, seed, percent=percent)
            for percent in (10, 20)
            for seed in seeds
        ]
        (row,) = decided(claim(by=["kind"], **keys), tables(rows))
        return row["verdict"], row["reason"]

    runs, pairs = {"where": {"percent": 10}}, {"where": {"percent": 20}, "against": {"percent": 10}, "margin": -0.1}
    slopes = {"statistic": "slope", "over": "percent", "margin": -0.1}
    for keys, what in ((runs, "run"), (pairs, "pair"), (slopes, "slope")):
        assert decided_on(0, **keys) == ("undecided", f"one {what}; a verdict needs three")
        assert decided_on(0, 1, **keys) == ("undecided", f"two {what}s; a verdict needs three")
        assert decided_on(0, 1, 2, **keys) == ("reproduced", None)


def test_that_settling_is_long_is_not_refuted_by_two_runs_without_settling() -> None:
    whole = {"selected_epoch": "run", "percent": 20, "metric": "settling_epochs"}
    rows = [run(0, seed, **whole) for seed in (0, 1)]
    (row,) = decided(claim(where={"metric": "settling_epochs"}, grain=1, margin=3), tables(rows))
    assert (row["verdict"], row["low"]) == ("undecided", 0)


def test_runs_too_short_to_settle_long_do_not_refute_that_settling_is_long() -> None:
    frames = tables([run(0, seed, percent=20, metric="settling_epochs") for seed in range(5)])
    long = claim(where={"metric": "settling_epochs"}, grain=1, margin=3)
    assert decided(long, frames)[0]["verdict"] == "not reproduced"
    short = {**frames, "systems": frames["systems"].assign(epochs=3)}
    (row,) = decided(long, short)
    assert (row["verdict"], row["reason"]) == ("undecided", "in these runs no value can be above 3")


METRICS = {"noisy_accuracy": (0, 1), "memorised": (-1, 1), "settling_epochs": (0, 10), "loss": (0, math.inf)}


@pytest.mark.parametrize("metric", METRICS)
def test_an_interval_ends_where_no_value_can_be(metric: str) -> None:
    low, high = METRICS[metric]
    for values in ((low, low, low + 0.4), (min(high, 9) - 0.4, min(high, 9), min(high, 9))):
        (row,) = decided(
            claim(where={"metric": metric}),
            tables([run(value, seed, metric=metric) for seed, value in enumerate(values)]),
        )
        student = mean_interval(np.array(values))
        assert (row["low"], row["high"]) == (max(student[0], low), min(student[1], high))
        assert row["low"] == low or row["high"] == min(high, student[1])


def test_a_difference_and_a_slope_end_where_those_of_the_two_values_end() -> None:
    rows = [run(value, seed, metric="settling_epochs", percent=20) for seed, value in enumerate((0, 9, 1))]
    rows += [run(3, seed, metric="settling_epochs", percent=20, system="proto") for seed in range(3)]
    frames = tables(rows)
    frames["systems"].loc[frames["systems"]["system"] == "proto", "epochs"] = 4
    twins = claim(where={"metric": "settling_epochs", "system": "bert"}, against={"system": "proto"})
    (row,) = decided(twins, frames)
    assert (row["low"], row["high"]) == (-4, 10)
    f1 = [
        run(value, seed, percent=percent)
        for percent, line in ((10, (0.9, 0, 0.5)), (20, (0, 1, 0.2)))
        for seed, value in enumerate(line)
    ]
    pairs = claim(where={"percent": 20}, against={"percent": 10})
    assert [(row["low"], row["high"]) for row in decided(pairs, tables(f1))] == [(-1, 1)]
    # Of two levels 10 apart, F1 changes by 1 in 10 at most.
    (row,) = decided(claim(statistic="slope", over="percent", by=["kind"]), tables(f1))
    assert (row["low"], row["high"]) == (pytest.approx(-0.1), pytest.approx(0.1))


def test_a_cut_interval_covers_the_mean_exactly_as_often() -> None:
    covered = np.zeros((2, 300), dtype=bool)
    for number, values in enumerate(np.random.default_rng(1).beta(0.5, 4.5, size=(300, 3))):
        (row,) = decided(claim(), tables([run(value, seed) for seed, value in enumerate(values)]))
        student = mean_interval(values)
        for place, (low, high) in enumerate((student, (row["low"], row["high"]))):
            assert low is not None
            assert high is not None
            covered[place, number] = low <= 0.1 <= high
    assert (covered[0] == covered[1]).all()
    assert 0 < covered[0].mean() < 1


def test_a_cut_interval_gives_the_verdict_of_the_whole_one() -> None:
    rng, verdicts = np.random.default_rng(0), set()
    for _ in range(100):
        margin = float(rng.uniform(0.05, 0.95))
        values = rng.beta(*rng.uniform(0.2, 4, 2), size=rng.integers(3, 6))
        asked = claim(margin=margin, direction=str(rng.choice(["above", "below"])))
        (row,) = decided(asked, tables([run(value, seed) for seed, value in enumerate(values)]))
        low, high = mean_interval(values)
        assert row["verdict"] == judged(asked, {"low": low, "high": high, "n": len(values)})[0]
        verdicts.add((row["verdict"], (row["low"], row["high"]) == (low, high)))
    assert {verdict for verdict, _ in verdicts} == {"reproduced", "not reproduced", "undecided"}
    assert {whole for _, whole in verdicts} == {True, False}


def test_runs_that_may_have_gone_on_do_not_refute_that_something_is_long() -> None:
    whole = {"selected_epoch": "run", "percent": 20}
    rows = [run(value, seed, metric="settling_epochs", **whole) for seed, value in enumerate((2, 2, 2))]
    long = claim(where={"metric": "settling_epochs"}, grain=1, margin=3, lower_bound_where="open_ended")
    ended = [run(0, seed, metric="open_ended", **whole) for seed in range(3)]
    (row,) = decided(long, tables(rows + ended))
    assert (row["verdict"], row["reason"]) == ("not reproduced", None)
    (row,) = decided(long, tables([*rows, *ended[:2], run(1, 2, metric="open_ended", **whole)]))
    assert (row["verdict"], row["reason"]) == ("undecided", "in 1 of 3 runs it lasts to the last epoch, maybe longer")
    longer = [run(value, seed, metric="settling_epochs", **whole) for seed, value in enumerate((9, 9, 9))]
    (row,) = decided(long, tables([*longer, run(1, 2, metric="open_ended", **whole)]))
    assert row["verdict"] == "reproduced"


def test_a_claim_without_runs_was_not_run() -> None:
    (row,) = decided(claim(where={"metric": "no-such-metric"}), tables([run(0.9), run(0.8, 1)]))
    assert (row["verdict"], row["overall"], row["n"]) == ("not run", "not run", 0)


@pytest.mark.parametrize(
    ("direction", "interval", "verdict"),
    [
        ("above", (0.51, 0.6), "reproduced"),
        ("above", (0.50, 0.6), "undecided"),
        ("above", (0.4, 0.49), "not reproduced"),
        ("below", (0.4, 0.49), "reproduced"),
        ("below", (0.51, 0.6), "not reproduced"),
        ("within", (-0.4, 0.49), "reproduced"),
        ("within", (-0.6, 0.6), "undecided"),
        ("within", (0.4, 0.6), "undecided"),
        ("within", (-0.9, -0.51), "not reproduced"),
        ("within", (0.51, 0.9), "not reproduced"),
    ],
)
def test_the_whole_interval_must_lie_on_one_side_of_the_margin(
    direction: str, interval: tuple[float, float], verdict: str
) -> None:
    assert judged(claim(direction=direction), {"low": interval[0], "high": interval[1], "n": 3})[0] == verdict


def test_one_failing_setting_fails_a_claim_and_undecided_settings_do_not_count() -> None:
    assert overall(["reproduced", "undecided"]) == "reproduced"
    assert overall(["reproduced", "not reproduced", "undecided"]) == "not reproduced"
    assert overall(["undecided", "undecided"]) == "undecided"


def test_systems_and_levels_are_judged_apart() -> None:
    rows = [run(f1 + seed / 1000, seed, percent=percent) for f1, percent in ((0.8, 10), (0.2, 30)) for seed in range(3)]
    rows += [run(0.9 + seed / 1000, seed, percent=10, system="mini") for seed in range(3)]
    found = decided(claim(by=["kind", "percent"]), tables(rows))
    assert [(row["system"], row["setting"], row["verdict"], row["n"]) for row in found] == [
        ("bert", "10 % noise (resample)", "reproduced", 3),
        ("bert", "30 % noise (resample)", "not reproduced", 3),
        ("mini", "10 % noise (resample)", "reproduced", 3),
    ]
    assert {row["overall"] for row in found} == {"not reproduced"}


def test_the_one_draw_of_clean_pairs_with_every_draw_of_the_same_seed() -> None:
    rows = [run(0.5, 0), run(0.6, 1), run(0.9, 2)]
    rows += [
        run(0.45, 0, noise_seed=0, percent=20),
        run(0.40, 0, noise_seed=1, percent=20),
        run(0.50, 1, noise_seed=0, percent=20),
    ]
    found = units(claim(where={"metric": "f1", "percent": {"min": 1}}, against={"kind": "clean"}), tables(rows))
    assert sorted(zip(found["seed"], found["noise_seed"], found["value"].round(9), strict=True)) == [
        (0, 0, -0.05),
        (0, 1, -0.10),
        (1, 0, -0.10),
    ]


def test_between_two_noisy_treatments_draws_pair_with_themselves() -> None:
    rows = [run(0.1 * noise_seed, 0, noise_seed=noise_seed, percent=20) for noise_seed in (1, 2)]
    rows += [run(0.3 * noise_seed, 0, noise_seed=noise_seed, percent=40) for noise_seed in (1, 2, 3)]
    found = units(claim(where={"percent": 40}, against={"percent": 20}), tables(rows))
    assert values(found) == [0.2, 0.4]


def test_selected_epochs_of_the_same_run_are_paired() -> None:
    rows = [run(0.5 + seed / 10, seed) for seed in (0, 1)]
    rows += [run(0.4 + seed / 5, seed, selected_epoch="final") for seed in (0, 1)]
    found = units(claim(where={"selected_epoch": "final"}, against={"selected_epoch": "best"}), tables(rows))
    assert values(found) == [-0.1, 0.0]


def test_a_system_is_paired_with_its_own_twin_on_the_same_treatment() -> None:
    rows = [run(0.9, percent=20), run(0.6, percent=20, system="bert-twin"), run(0.1, percent=40, system="bert-twin")]
    rows += [run(0.8, percent=20, system="mini"), run(0.7, percent=20, system="mini-twin")]
    twins = claim(
        where={"system": {"kind": "encoder", "pretrained": True}},
        against={"system": {"kind": "encoder", "pretrained": False}},
        same=["checkpoint"],
    )
    found = units(twins, tables(rows))
    assert sorted(zip(found["system"], found["against"], found["value"].round(9), strict=True)) == [
        ("bert", "bert-twin", 0.3),
        ("mini", "mini-twin", 0.1),
    ]


def test_the_capped_class_is_compared_with_the_same_class_on_clean_data() -> None:
    rows = [run(0.2, cap=("LOC", 5), **{"class": "LOC"}), run(0.7, cap=("LOC", 5), **{"class": "PER"})]
    rows += [run(0.3, cap=("PER", 5), **{"class": "PER"})]
    rows += [run(0.9, **{"class": "LOC"}), run(0.8, **{"class": "PER"}), run(0.5)]
    scarce = claim(where={"class": "capped", "kind": "cap"}, against={"kind": "clean"}, by=["cap_class"])
    found = units(scarce, tables(rows))
    assert sorted(zip(found["cap_class"], found["value"].round(9), strict=True)) == [("LOC", -0.7), ("PER", -0.5)]


def test_the_slope_is_of_least_squares_within_each_seed_and_draw() -> None:
    # 9, 6, 0 at 10, 20, 30: centred -10, 0, 10 give (-90 + 0) / 200. One level has no slope.
    rows = [run(value, 0, percent=percent) for percent, value in ((10, 9), (20, 6), (30, 0))]
    rows += [run(value, 1, percent=percent) for percent, value in ((10, 5), (20, 3))]
    rows += [run(7, 2, percent=10)]
    found = units(claim(statistic="slope", over="percent", by=["kind"]), tables(rows))
    assert values(found) == [-0.45, -0.2]
    # The weights are (-10, 0, 10) / 200 and (-5, 5) / 50.
    assert sorted(found["weight"].round(9)) == [0.005, 0.02]


def test_a_slope_over_one_level_was_not_run() -> None:
    rows = [run(7, seed, percent=10) for seed in (0, 1)]
    (row,) = decided(claim(statistic="slope", over="percent"), tables(rows))
    assert (row["verdict"], row["reason"]) == (
        "not run",
        "the study has no runs with this value at two levels of percent",
    )


def test_runs_without_the_value_are_not_denied() -> None:
    (row,) = decided(
        claim(where={"selected_epoch": "settled"}, against={"selected_epoch": "best"}), tables([run(0.7), run(0.7, 1)])
    )
    assert (row["verdict"], row["reason"]) == ("not run", "the study has no pairs of runs with this value")


def on_news_and_tweets(news: int, tweets: int) -> dict[str, pd.DataFrame]:
    """Return runs on two data sets, each whole in one treatment and cut to ten sentences in another."""
    frames = tables([run(0.7, seed, dataset=name) for seed in (0, 1) for name in ("news", "tweets")])
    sizes = {"dataset": ["news", "news", "tweets", "tweets"], "sentences": [news, 10, tweets, 10]}
    return {**frames, "treatments": pd.DataFrame(sizes)}


def test_a_claim_about_full_data_is_tested_where_the_largest_training_split_is_large_enough() -> None:
    full = claim(training_sentences=10000)
    assert [row["dataset"] for row in decided(full, on_news_and_tweets(10000, 9999))] == ["news"]
    assert [row["dataset"] for row in decided(claim(), on_news_and_tweets(10000, 9999))] == ["news", "tweets"]


def test_a_claim_about_full_data_is_not_run_on_less_and_says_so() -> None:
    (row,) = decided(claim(training_sentences=10000), on_news_and_tweets(260, 9999))
    said = "the study has runs with this value on fewer than 10,000 training sentences only"
    assert (row["verdict"], row["overall"], row["reason"]) == ("not run", "not run", said)
    none = claim(training_sentences=10000, where={"metric": "none"})
    (row,) = decided(none, on_news_and_tweets(260, 9999))
    assert row["reason"] == "the study has no runs with this value"


def test_no_twin_is_one_that_differs_in_what_must_be_the_same() -> None:
    frames = tables([run(0.9), run(0.6, system="bert-twin"), run(0.8, system="mini"), run(0.7, system="mini-twin")])
    cards = frames["systems"].set_index("system")
    cards.loc["bert-twin", "max_length"] = 50
    frames["systems"] = cards.reset_index()
    where, against = ({"system": {"kind": "encoder", "pretrained": flag}} for flag in (True, False))
    twins = claim(where=where, against=against, same=["checkpoint", "max_length", "long_sentences"])
    assert units(twins, frames)["system"].tolist() == ["mini"]


def test_epoch_end_is_taken_where_a_run_has_both_views() -> None:
    rows = [run(0.1, view="minibatch"), run(0.2), run(0.3, view="minibatch", system="mini")]
    assert values(units(claim(), tables(rows))) == [0.2, 0.3]
    assert values(units(claim(where={"view": "minibatch"}), tables(rows))) == [0.1, 0.3]


def test_partners_are_seen_in_one_view() -> None:
    rows = [run(0.9, view="minibatch"), run(0.8), run(0.5, view="minibatch", system="bert-twin")]
    twins = claim(where={"system": "bert"}, against={"system": "bert-twin"})
    assert values(units(twins, tables(rows))) == [0.4]


@pytest.mark.parametrize(
    ("keys", "rows", "differ"),
    [
        ({}, [run(0.1), run(0.2, split="test")], "split"),
        ({}, [run(0.1, percent=10), run(0.2, percent=20)], "treatment and percent"),
        ({}, [run(0.1, **{"class": "LOC"}), run(0.2)], "class"),
        (
            {"statistic": "slope", "over": "percent"},
            [run(0.1, percent=10), run(0.1, percent=10, kind="flip", treatment="flip-10")],
            "treatment and kind",
        ),
    ],
    ids=["splits", "levels", "classes", "two kinds at a level of a slope"],
)
def test_two_rows_for_one_run_are_an_error_that_names_the_claim(keys: Row, rows: list[Row], differ: str) -> None:
    with pytest.raises(BadInput, match=rf"claim one: 2 rows .* differ in {differ}; expected one"):
        units(claim(**keys), tables(rows))


def test_a_run_outside_the_range_or_without_a_value_does_not_count_as_a_success() -> None:
    rows = [run(25, 0), run(5, 1), run(100, 2), run(math.nan, 3)]
    frames = tables(rows)
    # A threshold without a value is at none of the study's numbers of sentences; any other value would be undefined.
    frames["class_thresholds"] = frames["measures"].assign(quantity="starts", undefined=None, largest=100)
    asked = claim(table="class_thresholds", where={"quantity": "starts"}, statistic="share", range={"max": 25})
    (row,) = decided(asked, frames)
    assert (row["mean"], row["n"], row["verdict"]) == (0.5, 4, "undecided")


def test_five_runs_that_agree_are_the_fewest_that_exclude_one_half() -> None:
    assert share_interval(4, 4)[0] < 0.5 < share_interval(5, 5)[0]  # type: ignore[operator]
    assert share_interval(0, 5)[1] < 0.5 < share_interval(0, 4)[1]  # type: ignore[operator]
    assert share_interval(1, 1) == (None, None)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_interval_of_a_share_covers_it(n: int) -> None:
    ends = np.array([share_interval(successes, n) for successes in range(n + 1)], dtype=np.float64)

    def coverage(share: float) -> float:
        inside = (ends[:, 0] <= share) & (share <= ends[:, 1])
        return float(stats.binom.pmf(np.arange(n + 1), n, share) @ inside)

    assert np.mean([coverage(share) for share in np.linspace(0, 1, 201)]) > 0.95
    # At one half, the margin of the shipped claims, verdicts are wrong in one case of sixteen at most.
    assert coverage(0.5) > 0.937


@pytest.mark.parametrize("n", [2, 3, 5])
def test_students_interval_covers_the_mean_of_few_runs_and_the_bootstrap_does_not(n: int) -> None:
    samples = np.random.default_rng(n).normal(size=(2000, n))
    student = np.array([mean_interval(sample) for sample in samples], dtype=np.float64)
    assert np.mean((student[:, 0] < 0) & (student[:, 1] > 0)) == pytest.approx(0.95, abs=0.015)
    low, high = bootstrap(samples)
    assert np.mean((low < 0) & (high > 0)) < {2: 0.55, 3: 0.80, 5: 0.90}[n]


def test_students_interval_is_scipys() -> None:
    sample = np.array([0.1, 0.5, 0.2, 0.9])
    expected = stats.ttest_1samp(sample, 0).confidence_interval()
    assert mean_interval(sample) == pytest.approx((expected.low, expected.high))


def test_whole_numbers_that_happen_to_agree_still_have_a_width() -> None:
    whole = {"where": {"metric": "settling_epochs"}}
    rows = [run(4, seed, metric="settling_epochs") for seed in range(3)]
    (row,) = decided(claim(margin=3, **whole), tables(rows))
    assert (row["verdict"], row["reason"], row["low"]) == (
        "undecided",
        "all runs agree exactly, so no interval",
        None,
    )
    (row,) = decided(claim(margin=3, grain=1, **whole), tables(rows))
    # Rounding to whole numbers has a standard deviation of sqrt(1 / 12); t(0.975, 2) is 4.3027.
    assert row["low"] == pytest.approx(4 - 4.3027 * math.sqrt(1 / 12) / math.sqrt(3), abs=1e-3)
    assert (row["verdict"], row["sd"]) == ("reproduced", 0)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"training_sentences": 0}, "training_sentences: found 0"),
        ({"margin": None}, "margin: found None, expected"),
        ({"marign": 1}, "marign: unknown key; did you mean 'margin'?"),
        ({"direction": "abov"}, "direction: found 'abov'; did you mean 'above'?"),
        ({"table": "measure"}, "table: found 'measure'; did you mean 'measures'?"),
        ({"where": {"metrc": "f1"}}, "where: no column 'metrc' in the table measures; did you mean 'metric'?"),
        ({"where": {"value": 1}}, "where: no column 'value'"),
        ({"against": {"momnt": "best"}}, "against: no column 'momnt'"),
        ({"where": {"reference": True}}, "where: reference: found True, expected text; write 'true' in quotes"),
        ({"where": {"percent": "10"}}, "where: percent: found '10', expected a number"),
        (
            {"where": {"percent": {"from": 1}}},
            "where: percent: found {'from': 1}, expected a range of min, max or both",
        ),
        ({"where": {"metric": {"min": 1}}}, "where: metric: found {'min': 1}, but it holds no numbers"),
        ({"where": {"metric": []}}, "where: metric: found an empty list"),
        ({"where": {"system": {"knd": "encoder"}}}, "where: no column 'knd' in the table systems"),
        ({"where": {"system": {"pretrained": "yes"}}}, "where: pretrained: found 'yes', expected true or false"),
        ({"by": ["percnt"]}, "by: no column 'percnt' in the table measures; did you mean 'percent'?"),
        ({"same": ["checkpont"]}, "same: no column 'checkpont' in the table systems"),
        ({"same": ["checkpoint"]}, "same: found ('checkpoint',), expected none without another system under against"),
        ({"statistic": "slope"}, "direction: statistic slope needs the key 'over', which is missing"),
        ({"statistic": "share"}, "direction: statistic share needs the key 'range', which is missing"),
        ({"over": "percent"}, "over: found 'percent', which does not go with statistic: mean"),
        ({"statistic": "share", "range": {"min": 1}, "grain": 1}, "grain: found 1.0, which does not go with"),
        ({"direction": "within", "margin": 0}, "margin: found 0, expected more than 0 for direction: within"),
        ({"statistic": "slope", "over": "system"}, "over: found 'system', which holds no numbers, expected one of "),
        ({"margin": True}, "margin: found true, expected a number"),
        ({"source": "the paper"}, "source: found 'the paper', expected tags of sources, such as [A] or [B][S12]"),
        ({"source": "[A][R+]", "published": 0.9}, "published: found 0.9, but [A][R+] is a recollection"),
        ({"source": "[R?]", "published": 25}, "published: found 25, but [R?] is a recollection"),
    ],
)
def test_a_bad_claim_is_one_line_that_names_it(tmp_path: Path, keys: Row, said: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump([{**BASE, **keys}]))
    with pytest.raises(BadInput) as error:
        read_claims(path)
    assert str(error.value).startswith(f"{path}: claim one: {said}")
    assert "\n" not in str(error.value)


def test_a_number_from_a_source_that_is_at_hand_may_be_published() -> None:
    assert claim(source="[S20]", published=25).published == 25


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected a list of claims"),
        ("claims: []", "expected a list of claims"),
        ("[", "not YAML"),
        ("- just text", "claim number 1"),
        (yaml.safe_dump([BASE, BASE]), "claim one: the id is taken"),
        (
            yaml.safe_dump([{key: value for key, value in BASE.items() if key != "margin"}]),
            "claim one: margin: missing",
        ),
    ],
    ids=["empty", "a mapping", "not YAML", "an item of text", "an id twice", "no margin"],
)
def test_a_file_that_holds_no_claims_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(content)
    with pytest.raises(BadInput, match=said):
        read_claims(path)


def write_study(folder: Path, rows: list[Row]) -> Path:
    """Write the tables that claims are decided from."""
    frames = tables(rows)
    frames["detection_runs"] = pd.DataFrame(columns=SCHEMAS["detection_runs"].names)
    figures = {
        "sentences": 300,
        "words": 5000,
        "nominal_rate": 0.0,
        "effective_rate": 0.0,
        "effective_mention_rate": 0.0,
        "settled_f1": 1.0,
    }
    about = ["dataset", "treatment", "family", "kind", "percent", "cap_class", "cap_sentences", "noise_seed"]
    frames["treatments"] = frames["measures"][about].drop_duplicates().assign(**figures)
    for name, frame in frames.items():
        columns = {column: frame[column].to_numpy() for column in SCHEMAS[name].names}
        write_table(folder / f"{name}.parquet", name, columns, {})
    return folder


def test_the_shipped_claims_cover_the_paper_and_run_on_any_study(tmp_path: Path) -> None:
    path = ROOT / "config" / "claims.yaml"
    claims = read_claims(path)
    assert {int(found.id.split("-")[0].rstrip("abcdef")) for found in claims} == set(range(1, 13))
    rows = [run(0.8 + seed / 100, seed, split="test") for seed in (0, 1, 2)]
    rows += [run(0.79 + seed / 90, seed, split="test", percent=20) for seed in (0, 1, 2)]
    decide_claims(path, write_study(tmp_path / "tables", rows), tmp_path / "claims")
    found = read_frame(tmp_path / "claims" / "claims.parquet", "claims")
    assert set(found["claim"]) == {one.id for one in claims}
    (first,) = found[found["verdict"] != "not run"].to_dict("records")
    assert (first["claim"], first["verdict"], first["mean"]) == (
        "1-noise-hardly-hurts",
        "reproduced",
        pytest.approx(-0.01 + 1 / 90 - 1 / 100),
    )
    csv = pd.read_csv(tmp_path / "claims" / "claims.csv")
    assert list(csv.columns) == SCHEMAS["claims"].names


def hostile(text: str) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return a decided claim whose words are `text`, and the tables it came from."""
    frames = tables([run(0.7 + seed / 500, seed, dataset="s_") for seed in range(3)])
    frames["treatments"] = pd.DataFrame({"dataset": ["s_"], "sentences": [300]})
    rows = decided(claim(claim=text, published=0.25), frames)
    return pd.DataFrame(rows, columns=SCHEMAS["claims"].names), frames


def test_the_card_fits_a_terminal_and_says_the_studys_scale() -> None:
    found, frames = hostile("Word " * 60)
    card = printed(found, frames)
    assert max(map(len, card.splitlines())) <= TEXT_WIDTH
    assert card.startswith(
        "Scale: 3 runs of 1 system on s_ (300 training sentences); 10 epochs; 3 seeds. A small study"
    )
    (place,) = [line.split() for line in card.splitlines() if "n=3" in line]
    assert place == ["reproduced", "0.702", "[0.697,", "0.707]", "n=3", "s_", "bert"]


def test_no_terminal_obeys_what_a_claim_says() -> None:
    card = printed(*hostile("Words \x1b[31m\x07 \u202eand\u2069"))
    assert r"Words \x1b[31m\x07 \u202eand\u2069" in card
    assert card.replace("\n", "").isprintable()


def test_a_claim_says_how_many_of_its_settings_fell_which_way() -> None:
    frames = tables([run(value, seed, percent=10 * seed + 10) for seed, value in enumerate((0.8, 0.2, 0.9))])
    again = [
        frames["measures"].assign(seed=seed, noise_seed=seed, value=frames["measures"]["value"] + seed / 1000)
        for seed in (8, 9)
    ]
    frames["measures"] = pd.concat([frames["measures"], *again])
    frames["treatments"] = pd.DataFrame({"dataset": ["news"], "sentences": [300]})
    found = pd.DataFrame(decided(claim(by=["percent"]), frames), columns=SCHEMAS["claims"].names)
    said = "dev F1, above 0.5: 3 settings, 2 reproduced, 1 not reproduced"
    assert said in printed(found, frames)


def test_the_command_prints_the_card_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_study(tmp_path / "tables", [run(0.8, seed, percent=20) for seed in (0, 1)])
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(
        "sys.argv",
        [
            "settling",
            "claims",
            "--claims",
            str(ROOT / "config" / "claims.yaml"),
            "--tables",
            str(study),
            "--output",
            str(tmp_path),
        ],
    )
    main()
    assert capsys.readouterr().out == (tmp_path / "claims.txt").read_text()


VERDICTS = {"a": (0.5, 0.7), "b": (0.9, 0.91), "c": (0.1, 0.11), "d": (0.92, 0.93), "e": None, "f": None}


def claims_a_to_f() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return claims of each verdict, two of them not run, in no order, and the tables they came from."""
    rows = [
        run(ends[0] + step * (ends[1] - ends[0]) / 2, step, metric="f1", **{"class": name})
        for name, ends in VERDICTS.items()
        if ends
        for step in range(3)
    ]
    frames = tables(rows)
    frames["treatments"] = pd.DataFrame({"dataset": ["news"], "sentences": [300]})
    asked = [claim(id=name, where={"metric": "f1", "class": name}, margin=0.6) for name in VERDICTS]
    rows = [row for one in asked for row in decided(one, frames)]
    return pd.DataFrame(rows, columns=SCHEMAS["claims"].names), frames


def test_what_is_decided_comes_first_and_what_was_not_run_is_one_line() -> None:
    found, frames = claims_a_to_f()
    assert [rows["claim"].iloc[0] for rows in in_order(found)] == ["b", "d", "c", "a"]
    card = printed(found, frames)
    assert re.findall(r"\((\w)\)$", card, flags=re.MULTILINE) == ["b", "d", "c", "a"]
    assert "\nWhat this study does not ask (2): e, f.\n" in card
    assert "Claims: 2 reproduced, 1 not reproduced, 1 undecided.\n" in card
    assert "the study has no runs" not in card


def test_a_study_of_ones_own_data_hears_nothing_of_claims_that_it_cannot_speak_of() -> None:
    found, frames = claims_a_to_f()
    own = {**frames, "datasets": frames["datasets"].assign(own=True)}
    card = printed(found, own)
    assert "does not ask" not in card
    assert "CoNLL" not in card
    assert "(b)" in card
    none = printed(found[found["overall"] == "not run"], own)
    assert none.count("\n") == 3
    assert none.endswith("\n\nThe study has no runs that a claim of the paper is about.\n")


def test_that_runs_are_few_is_said_once() -> None:
    frames = tables([run(0.8 + seed / 500, seed, percent=percent) for percent in range(10, 90, 10) for seed in (0, 1)])
    frames["treatments"] = pd.DataFrame({"dataset": ["news"], "sentences": [300]})
    found = pd.DataFrame(decided(claim(by=["percent"]), frames), columns=SCHEMAS["claims"].names)
    assert set(found["reason"]) == {"two runs; a verdict needs three"}
    card = " ".join(printed(found, frames).split())
    assert card.count("n=2") == 8
    assert card.count("No mean is of more than two runs.") == 1
    assert card.lower().count("verdict needs three") == 1


def test_a_number_is_printed_beside_ours_only_where_it_is_given() -> None:
    found, frames = hostile("Words.")
    assert "(published: 0.25)" in printed(found, frames)
    assert "published" not in printed(found.assign(published=None), frames)


def test_undefined_runs_are_in_no_estimate_and_a_setting_without_a_defined_one_says_why() -> None:
    rare = [run(math.nan, seed, **{"class": "RARE"}) for seed in range(3)]
    (row,) = decided(claim(where={"metric": "f1", "class": "RARE"}), tables(rare))
    assert (row["verdict"], row["overall"], row["n"], row["mean"]) == ("undecided", "undecided", 0, None)
    assert row["reason"] == "undefined: dev has no mention of RARE"
    some = [run(0.7, 3, **{"class": "RARE"}), run(0.74, 4, **{"class": "RARE"})]
    (row,) = decided(claim(where={"metric": "f1", "class": "RARE"}), tables([*rare, *some]))
    assert (row["n"], row["mean"]) == (2, pytest.approx(0.72))


def test_a_pair_is_undefined_where_either_side_is() -> None:
    rows = [run(0.7, seed, percent=20) for seed in (0, 1)] + [run(math.nan, seed) for seed in (0, 1)]
    (row,) = decided(claim(where={"metric": "f1", "percent": 20}, against={"kind": "clean"}), tables(rows))
    assert (row["verdict"], row["n"], row["reason"]) == ("undecided", 0, "undefined: dev has no entity")


def test_a_slope_is_over_the_levels_that_have_a_value() -> None:
    values = {10: 0.2, 20: math.nan, 30: 0.6}
    rows = [run(value + seed / 100, seed, percent=level) for level, value in values.items() for seed in (0, 1)]
    slope = claim(where={"metric": "f1"}, statistic="slope", over="percent")
    (row,) = decided(slope, tables(rows))
    assert (row["n"], row["mean"]) == (2, pytest.approx(0.02))
    (row,) = decided(slope, tables([{**line, "value": math.nan} for line in rows]))
    assert (row["verdict"], row["n"], row["reason"]) == ("undecided", 0, "undefined: dev has no entity")


def test_a_class_that_dev_lacks_is_not_counted_as_never_learned() -> None:
    rows = [run(math.nan, seed, cap=("LOC", number), **{"class": "LOC"}) for seed in (0, 1) for number in (5, 25)]
    rows += [run(math.nan, seed, **{"class": "LOC"}) for seed in (0, 1)]
    frames = tables(rows)
    frames["class_thresholds"] = class_thresholds(frames["measures"])
    asked = claim(table="class_thresholds", where={"quantity": "starts"}, statistic="share", range={"max": 25})
    (row,) = decided(asked, frames)
    assert (row["verdict"], row["n"], row["reason"]) == ("undecided", 0, "undefined: dev has no mention of LOC")


def test_two_files_of_labels_with_the_same_level_are_judged_apart() -> None:
    rows = [
        {**run(0.8 + seed / 1000, seed, percent=3), "kind": "from-file", "treatment": f"noise-from-file-{key}"}
        for key in ("crowd", "expert")
        for seed in (0, 1)
    ]
    found = decided(claim(by=["kind", "percent"]), tables(rows))
    assert [row["setting"] for row in found] == ["3 % noise (from-file-crowd)", "3 % noise (from-file-expert)"]
