"""Noise whose wrong label depends on the right one."""

import numpy as np
import pytest
from hypothesis import assume, given
from numpy.typing import NDArray

from settling.errors import BadInput
from settling.treatments.class_dependent import ClassDependentKeys, ClassDependentTreatment, treat
from settling.treatments.corpus import Corpus
from settling.validation import check
from tests.unit.treatments.cases import LARGE, corpora, corpus, levels, noise_seeds, spelt

Weights = dict[str, dict[str, float]]


def given_by(to: Corpus, weights: Weights, percent: int, noise_seed: int = 0) -> NDArray[np.uint16]:
    values = {"kind": "class-dependent", "percent": percent, "weights": weights, "noise_seed": noise_seed}
    return treat(to, check(ClassDependentTreatment, values, "spec")).given_label


def test_each_word_gets_a_class_of_its_row_and_keeps_its_letter() -> None:
    to = corpus("PER per O", "LOC loc ORG")
    weights = {"PER": {"LOC": 1}, "LOC": {"O": 2}, "O": {"ORG": 1}}
    assert spelt(to, given_by(to, weights, 100)) == ["LOC loc ORG", "O O ORG"]


def test_a_class_without_a_row_keeps_its_labels() -> None:
    assert (given_by(LARGE, {"PER": {"LOC": 1}}, 100) == LARGE.label)[~LARGE.of_class("PER")].all()


def test_classes_are_given_as_often_as_their_weights_say() -> None:
    weights = {"PER": {"LOC": 3, "ORG": 1}}
    counts = np.zeros(2)
    for noise_seed in range(20):
        given_label = given_by(LARGE, weights, 50, noise_seed)[LARGE.of_class("PER")]
        names = np.array([tag[2:] for tag in LARGE.tags])[given_label]
        counts += [(names == "LOC").sum(), (names == "ORG").sum()]
    picked = 20 * LARGE.of_class("PER").sum() / 2
    assert abs(counts.sum() - picked) < 4 * np.sqrt(picked / 2)
    assert abs(counts[0] - 0.75 * counts.sum()) < 4 * np.sqrt(counts.sum() * 0.75 * 0.25)


@given(to=corpora, percents=levels, noise_seed=noise_seeds)
def test_words_changed_at_a_level_are_changed_alike_at_each_higher_one(
    to: Corpus, percents: list[int], noise_seed: int
) -> None:
    assume(to.types)
    weights = {name: dict.fromkeys(to.types, 1.0) for name in to.types}
    low, high = (given_by(to, weights, percent, noise_seed) for percent in percents)
    changed = low != to.label
    assert (high[changed] == low[changed]).all()


def test_two_blocks_at_one_level_have_two_names() -> None:
    keys = {"kind": "class-dependent", "levels": [0, 20], "weights": {"PER": {"LOC": 1}}}
    members = check(ClassDependentKeys, keys, "treatments.mine").members("mine", {})
    assert [name for name, _ in members] == ["clean", "noise-class-dependent-mine-20"]


@pytest.mark.parametrize("weights", [{"PRE": {"LOC": 1}}, {"PER": {"LCO": 1}}])
def test_a_class_that_the_data_set_lacks_is_refused(weights: Weights) -> None:
    with pytest.raises(BadInput, match=r"weights: the data set has no class '(PRE|LCO)'; did you mean '(PER|LOC)'"):
        given_by(LARGE, weights, 20)


@pytest.mark.parametrize("row", [{}, {"LOC": 0}])
def test_a_row_without_weight_is_refused(row: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="PER: found no weight above 0"):
        given_by(LARGE, {"PER": row}, 20)
