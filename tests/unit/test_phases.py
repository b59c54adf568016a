"""The phase rule finds the ends that curves were drawn with, and none where there is none."""

import math
from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from settling.analysis.phases import (
    GUESSERS,
    NEAR_BEST,
    NEAR_PLATEAU,
    SHORTEST,
    Phases,
    find_phases,
    near_best_epochs,
    near_best_open_ended,
    phases_of,
)
from settling.errors import BadInput

PLATEAU, TAGS = 0.4, 9
Curves = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def drawn(fitting: int, settling: int, memorisation: int, wobble: float = 0.0) -> Curves:
    """Draw dev F1, train F1 and noisy accuracy: all rise, then stay (dev wavers by `wobble`), then memorise."""
    rise = np.linspace(0, 0.85, fitting)
    fall = np.linspace(0.9, 0.5, memorisation)
    waver = 0.9 * (1 - wobble * (np.arange(settling) % 2))
    return (
        np.concatenate([0.9 * rise, waver, fall]),
        np.concatenate([PLATEAU * rise, np.linspace(0.95, 1.1, settling) * PLATEAU, np.linspace(0.5, 1, memorisation)]),
        np.concatenate([np.zeros(fitting), np.linspace(0, 0.1, settling), np.linspace(0.2, 0.9, memorisation)]),
    )


lengths = st.integers(0, 12)
settlings = st.integers(SHORTEST, 20)


@given(lengths, settlings, lengths, st.floats(0, 0.04))
def test_the_ends_of_phases_are_those_that_were_drawn(fitting: int, settling: int, later: int, wobble: float) -> None:
    found = find_phases(*drawn(fitting, settling, later, wobble), PLATEAU, TAGS)
    assert found == Phases(fitting + settling + later, fitting - 1, fitting + settling - 1)
    assert found.settling_epochs == settling
    assert found.open_ended == (later == 0)


@given(lengths, st.integers(3, 20), lengths, st.data())
def test_a_dip_of_one_epoch_ends_no_phase(fitting: int, settling: int, later: int, data: st.DataObject) -> None:
    dev_f1, train_f1, noisy_accuracy = drawn(fitting, settling, later)
    dev_f1[fitting + data.draw(st.integers(1, settling - 2))] = 0
    found = find_phases(dev_f1, train_f1, noisy_accuracy, PLATEAU, TAGS)
    assert found == Phases(fitting + settling + later, fitting - 1, fitting + settling - 1)


@given(lengths, settlings, lengths, st.floats(0.01, 1))
def test_how_good_the_best_is_does_not_matter(fitting: int, settling: int, later: int, scale: float) -> None:
    dev_f1, *others = drawn(fitting, settling, later)
    assert find_phases(scale * dev_f1, *others, PLATEAU, TAGS) == find_phases(dev_f1, *others, PLATEAU, TAGS)


def test_a_longer_dip_splits_and_the_longest_stretch_counts() -> None:
    dev_f1, train_f1, noisy_accuracy = drawn(2, 12, 3)
    dev_f1[5:7] = 0.8
    assert find_phases(dev_f1, train_f1, noisy_accuracy, PLATEAU, TAGS) == Phases(17, 6, 13)
    dev_f1[7:9] = 0.8
    # Left are epochs 2 to 4 and 9 to 13.
    assert find_phases(dev_f1, train_f1, noisy_accuracy, PLATEAU, TAGS) == Phases(17, 8, 13)


def test_of_equally_long_stretches_the_first_counts() -> None:
    dev_f1, train_f1, noisy_accuracy = drawn(1, 8, 1)
    dev_f1[4:6] = 0.8
    assert find_phases(dev_f1, train_f1, noisy_accuracy, PLATEAU, TAGS) == Phases(10, 0, 3)


def test_a_rise_and_fall_with_no_plateau_between_is_no_settling() -> None:
    found = find_phases(*drawn(6, 1, 6), PLATEAU, TAGS)
    assert found == Phases(13, None, None)
    assert (found.settling_epochs, found.open_ended) == (0, False)


def test_a_model_that_reaches_the_plateau_only_by_memorising_does_not_settle() -> None:
    # As a model without pretraining: dev stays at its best, train F1 and accuracy on noisy words rise together.
    rise = np.linspace(0, 1, 30)
    noisy_accuracy = 0.9 * rise
    train_f1 = 0.8 * rise
    assert train_f1[noisy_accuracy <= 1 / TAGS].max() < NEAR_PLATEAU * PLATEAU
    assert find_phases(np.full(30, 0.2), train_f1, noisy_accuracy, PLATEAU, TAGS) == Phases(30, None, None)


@pytest.mark.parametrize(("share", "end"), [(0.88, 5), (0.82, None)])
def test_a_model_that_comes_to_88_per_cent_of_the_plateau_settles(share: float, end: int | None) -> None:
    # The trials that docs/phases.md tells of stayed at 88 per cent and more.
    found = find_phases(np.full(6, 0.6), np.full(6, share * PLATEAU), np.full(6, 0.05), PLATEAU, TAGS)
    assert found.settling_end == end


def test_a_run_that_learns_nothing_does_not_settle() -> None:
    nothing = np.zeros(10)
    assert find_phases(nothing, nothing, nothing, 0.0, TAGS) == Phases(10, None, None)


@pytest.mark.parametrize("epochs", [1, 2])
def test_runs_too_short_for_a_neighbour_on_both_sides(epochs: int) -> None:
    curve = np.ones(epochs)
    found = find_phases(curve, curve, None, 1.0, TAGS)
    assert found == (Phases(1, None, None) if epochs == 1 else Phases(2, -1, 1))


def test_without_noise_only_dev_can_end_settling() -> None:
    dev_f1 = np.array([0.3, 0.8, 0.8, 0.79, 0.8])
    train_f1 = np.array([0.3, 0.8, 0.95, 1, 1])
    assert find_phases(dev_f1, train_f1, None, 1.0, TAGS) == Phases(5, 1, 4)


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.3)),
        min_size=3,
        max_size=25,
    )
)
def test_the_rule_agrees_with_a_loop(epochs: list[tuple[float, float, float]]) -> None:
    best = max(dev for dev, _, _ in epochs)
    assume(best > 0)
    holds = [
        dev >= NEAR_BEST * best and train >= NEAR_PLATEAU * PLATEAU and noisy <= GUESSERS / TAGS
        for dev, train, noisy in epochs
    ]
    filled = [
        now or (0 < place < len(holds) - 1 and holds[place - 1] and holds[place + 1]) for place, now in enumerate(holds)
    ]
    stretches = [
        [place for place, _ in group] for flag, group in groupby(enumerate(filled), lambda pair: pair[1]) if flag
    ]
    longest = max(stretches, key=len, default=[])
    expected = (longest[0] - 1, longest[-1]) if len(longest) >= SHORTEST else (None, None)
    found = find_phases(*(np.array(curve) for curve in zip(*epochs, strict=True)), PLATEAU, TAGS)
    assert (found.fitting_end, found.settling_end) == expected


def test_the_plateau_of_a_trial_on_1500_sentences_is_found() -> None:
    # The numbers in issue 3 (6-layer MiniLM, CoNLL-2003, 30 epochs); between those given, straight lines.
    def lines(*points: tuple[int, float]) -> NDArray[np.float64]:
        return np.interp(np.arange(30), *zip(*points, strict=True))

    ten = find_phases(
        lines((0, 0.2), (2, 0.75), (3, 0.84), (7, 0.86), (11, 0.84), (29, 0.79)),
        lines((0, 0.1), (2, 0.5), (3, 0.65), (11, 0.80), (29, 1)),
        lines((3, 0.01), (11, 0.26), (29, 0.9)),
        0.654,
        TAGS,
    )
    thirty = find_phases(
        lines((0, 0.2), (2, 0.7), (3, 0.80), (5, 0.81), (7, 0.80), (29, 0.52)),
        lines((0, 0.1), (2, 0.25), (3, 0.36), (7, 0.46), (29, 0.95)),
        lines((3, 0.02), (7, 0.10), (29, 0.9)),
        0.332,
        TAGS,
    )
    # At 10 % noise the noisy words are the first to leave: at 1/9, which the line passes after epoch 6.
    assert (ten.fitting_end, ten.settling_end) == (2, 6)
    assert (thirty.fitting_end, thirty.settling_end) == (2, 7)


def scores(curves: dict[tuple[str, str, str, str], list[float]]) -> pd.DataFrame:
    rows = [
        {
            "epoch": epoch,
            "split": split,
            "view": view,
            "reference": reference,
            "class": "all",
            "metric": metric,
            "value": value,
        }
        for (split, view, reference, metric), values in curves.items()
        for epoch, value in enumerate(values)
    ]
    others = [{**row, "class": "LOC", "value": 0.5} for row in rows if row["metric"] == "f1"]
    return pd.DataFrame([*rows, *others]).sample(frac=1, random_state=0)


def test_the_curves_are_picked_from_a_run_s_scores() -> None:
    frame = scores(
        {
            ("dev", "epoch-end", "true", "f1"): [0.1, 0.8, 0.8, 0.8, 0.6],
            ("test", "epoch-end", "true", "f1"): [0.1] * 5,
            ("dev", "epoch-end", "true", "loss"): [2.0] * 5,
            ("train", "epoch-end", "given", "f1"): [0.1, 0.4, 0.4, 0.5, 0.9],
            ("train", "epoch-end", "true", "f1"): [0.0] * 5,
            ("train", "epoch-end", "given", "noisy_accuracy"): [0, 0, 0, 0.1, 0.9],
            ("train", "epoch-end", "true", "noisy_accuracy"): [0.9] * 5,
            ("train", "minibatch", "given", "f1"): [0.0, 0.1, 0.4, 0.4, 0.9],
            ("train", "minibatch", "given", "noisy_accuracy"): [0, 0, 0, 0, 0.5],
        }
    )
    assert phases_of(frame, "epoch-end", PLATEAU, TAGS) == Phases(5, 0, 3)
    assert phases_of(frame, "minibatch", PLATEAU, TAGS) == Phases(5, 1, 3)
    with_no_noise = frame[frame["metric"] != "noisy_accuracy"]
    assert phases_of(with_no_noise, "epoch-end", PLATEAU, TAGS) == Phases(5, 0, 3)
    with pytest.raises(BadInput, match="view minibatch"):
        phases_of(frame[frame["view"] == "epoch-end"], "minibatch", PLATEAU, TAGS)


def test_the_epochs_near_the_best_on_dev_are_those_around_it() -> None:
    assert near_best_epochs(np.array([0.9, 0.5, 0.96, 1.0, 0.95, 0.94, 0.99])) == 3
    assert near_best_epochs(np.array([0.2, 0.8, 0.1])) == 1
    assert near_best_epochs(np.zeros(4)) == 0


def test_epochs_near_the_best_that_last_to_the_end_may_be_more() -> None:
    assert not near_best_open_ended(np.array([0.2, 1.0, 0.99, 0.9]))
    assert near_best_open_ended(np.array([0.2, 1.0, 0.99]))
    # Near the best again at the end, but not since the best.
    assert not near_best_open_ended(np.array([1.0, 0.5, 0.99]))
    assert not near_best_open_ended(np.zeros(2))


@pytest.mark.parametrize("undefined", ["dev", "train", "plateau"])
def test_without_an_entity_in_dev_or_train_phases_are_undefined_and_not_absent(undefined: str) -> None:
    nothing, curve = np.full(5, np.nan), np.full(5, 0.9)
    dev, train = (nothing if undefined == name else curve for name in ("dev", "train"))
    assert find_phases(dev, train, None, math.nan if undefined == "plateau" else 0.9, TAGS) is None
