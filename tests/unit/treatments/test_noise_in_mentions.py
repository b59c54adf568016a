"""Noise in whole mentions, and labels that change places."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from settling.errors import BadInput
from settling.tables import indices_of, metadata_of, read_table, to_numpy
from settling.treatments import KINDS
from settling.treatments.corpus import Corpus
from tests.unit.treatments.cases import (
    LARGE,
    apply,
    corpora,
    corpus,
    entities,
    is_legal,
    levels,
    noise_seeds,
    spelt,
)

OF_MENTIONS = ["span", "boundary", "missing", "spurious"]
EVERY = [*OF_MENTIONS, "permute"]


@pytest.mark.parametrize(
    ("kind", "true", "expected"),
    [
        ("missing", ["O PER per O LOC", "ORG"], ["O O O O O", "O"]),
        # The only change that can be: a word too many, after or before; one too few, where there is no O beside.
        ("boundary", ["PER O O"], ["PER per O"]),
        ("boundary", ["O LOC"], ["LOC loc"]),
        # The O between goes to the first mention; the second can do nothing.
        ("boundary", ["ORG O PER"], ["ORG org PER"]),
        # A sentence of one mention of one word stays, whatever stands in the sentences beside it.
        ("boundary", ["O", "LOC", "O"], ["O", "LOC", "O"]),
        # As long as the real mention, and of its type, where there is room.
        ("spurious", ["PER per", "O O", "LOC loc loc"], ["PER per", "PER per", "LOC loc loc"]),
        ("spurious", ["ORG O"], ["ORG ORG"]),
        # No run of two words that are O lies in one sentence.
        ("spurious", ["PER per O", "O"], ["PER per O", "O"]),
    ],
)
def test_noise_in_mentions_worked_by_hand(kind: str, true: list[str], expected: list[str]) -> None:
    to = corpus(*true)
    treated = apply(kind, to, 100)
    assert treated.kept.all()
    assert spelt(to, treated.given_label) == expected


def test_a_mention_of_two_words_with_an_o_on_each_side_is_changed_in_four_ways() -> None:
    to = corpus("O PER per O")
    found = {spelt(to, apply("boundary", to, 100, noise_seed).given_label)[0] for noise_seed in range(60)}
    assert found == {"O O PER O", "O PER O O", "PER per per O", "O PER per per"}


def test_a_mention_gets_each_other_type_and_keeps_its_words() -> None:
    to = corpus("O PER per", "LOC")
    found = {tuple(spelt(to, apply("span", to, 100, noise_seed).given_label)) for noise_seed in range(60)}
    first, second = ("O LOC loc", "O ORG org"), ("ORG", "PER")
    assert found == {(one, other) for one in first for other in second}


def test_another_type_where_there_is_one_is_refused() -> None:
    with pytest.raises(BadInput, match="span: gives mentions another type, but the data set has one, PER"):
        apply("span", corpus("PER", tags=("O", "B-PER", "I-PER")), 100)


def test_a_picked_image_gets_another_class() -> None:
    images = Corpus(np.arange(60, dtype=np.int32), np.zeros(60, dtype=np.uint16), ("B-cat", "B-cow", "B-dog"))
    assert set(apply("span", images, 100).given_label.tolist()) == {1, 2}


def test_exchanged_labels_worked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    to = corpus("PER O LOC", "LOC O")
    uniforms = np.array([0.1, 0.9, 0.2, 0.9, 0.1]), np.array([0.5, 0.1, 0.9, 0.2, 0.3])
    monkeypatch.setattr(importlib.import_module(KINDS["permute"]), "noise_uniforms", lambda *_: uniforms)
    # Picked are PER, the first LOC and the last O; in the order of the second numbers they are O, PER, LOC.
    assert spelt(to, apply("permute", to, 30).given_label) == ["O O PER", "LOC LOC"]


@given(to=corpora, noise_seed=noise_seeds, levels=levels)
def test_exchanged_labels_are_as_frequent_as_before_at_each_level(
    to: Corpus, noise_seed: int, levels: list[int]
) -> None:
    for level in levels:
        given_label = apply("permute", to, level, noise_seed).given_label
        assert np.bincount(given_label, minlength=7).tolist() == np.bincount(to.label, minlength=7).tolist()


@pytest.mark.parametrize("kind", OF_MENTIONS)
@given(to=corpora, noise_seed=noise_seeds, levels=levels)
def test_noise_in_mentions_is_iob2_and_is_there_at_each_higher_level(
    kind: str, to: Corpus, noise_seed: int, levels: list[int]
) -> None:
    low, high = (apply(kind, to, level, noise_seed).given_label for level in levels)
    assert is_legal(to, low)
    assert is_legal(to, high)
    noisy = low != to.label
    assert (high[noisy] == low[noisy]).all()


@given(to=corpora, noise_seed=noise_seeds, levels=levels)
def test_each_kind_makes_the_fault_that_it_is_named_after_and_no_other(
    to: Corpus, noise_seed: int, levels: list[int]
) -> None:
    true = entities(to, to.label)
    found = {kind: entities(to, apply(kind, to, levels[1], noise_seed).given_label) for kind in OF_MENTIONS}
    assert found["missing"] <= true
    assert true <= found["spurious"]
    assert {entity[1:] for entity in found["span"]} == {entity[1:] for entity in true}
    assert len(found["boundary"]) == len(true)
    in_order = (sorted(mentions, key=lambda entity: entity[1]) for mentions in (true, found["boundary"]))
    for old, new in zip(*in_order, strict=True):
        assert new[0] == old[0]
        assert abs(new[1] - old[1]) + abs(new[2] - old[2]) <= 1


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_is_noisy_at_0_percent(kind: str) -> None:
    assert (apply(kind, LARGE, 0).given_label == LARGE.label).all()


@pytest.mark.parametrize("kind", EVERY)
def test_noise_seeds_make_other_noise_and_one_repeats_itself(kind: str) -> None:
    first, again, other = (apply(kind, LARGE, 50, noise_seed).given_label for noise_seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).mean() > 0.02


@pytest.mark.parametrize("kind", OF_MENTIONS)
@pytest.mark.parametrize("percent", [10, 50])
def test_the_share_of_mentions_that_are_wrong_or_made_up_is_the_level(kind: str, percent: int) -> None:
    true, given_ones = (entities(LARGE, labels) for labels in (LARGE.label, apply(kind, LARGE, percent).given_label))
    changed = given_ones - true if kind != "missing" else true - given_ones
    assert len(changed) / len(true) == pytest.approx(percent / 100, abs=0.02)


def test_spurious_mentions_have_the_lengths_and_types_of_real_ones() -> None:
    true = entities(LARGE, LARGE.label)
    made_up = entities(LARGE, apply("spurious", LARGE, 60).given_label) - true

    def shapes(found: set[tuple[str, int, int]]) -> np.ndarray:
        counts = [sum((name, last - first) == shape for name, first, last in found) for shape in SHAPES]
        assert sum(counts) == len(found)
        return np.array(counts) / len(found)

    assert shapes(made_up) == pytest.approx(shapes(true), abs=0.03)


SHAPES = [("LOC", 0), ("ORG", 1), ("PER", 1)]


@pytest.mark.parametrize("kind", OF_MENTIONS)
def test_on_conll_2003_the_rate_over_20_noise_seeds_is_the_level_within_sampling_error(kind: str, conll: Path) -> None:
    table = read_table(conll, "data")
    tags = tuple(metadata_of(table.schema)["tags"])
    to = Corpus(to_numpy(table["sentence"]), indices_of(table["label"], tags), tags)
    true = entities(to, to.label)
    assert len(true) == 23_499
    shares = []
    for noise_seed in range(20):
        given_ones = entities(to, apply(kind, to, 20, noise_seed).given_label)
        shares.append(len(true ^ given_ones) / len(true) / (2 if kind in ("span", "boundary") else 1))
    # Of some mentions no end can be moved.
    at_most = len(true ^ entities(to, apply("boundary", to, 100).given_label)) / len(true) / 2
    cannot_change = 1 - at_most if kind == "boundary" else 0
    assert cannot_change < 0.02
    # Four standard errors of a binomial.
    error = 4 * (0.2 * 0.8 / len(true)) ** 0.5
    assert np.mean(shares) == pytest.approx(0.2 * (1 - cannot_change), abs=error / 20**0.5)
    assert np.abs(np.array(shares) - np.mean(shares)).max() < error
