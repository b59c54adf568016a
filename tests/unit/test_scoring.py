import warnings
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from settling.scoring import EntityScorer, accuracy, entity_score

UNDEFINED = (np.nan, np.nan, np.nan)
TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
# Any sequence at all: an I- after O, after another type or at the start of a sentence is illegal IOB2.
words = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=1, max_size=30)


def score(true: list[int], predicted: list[int], sentence: list[int]) -> dict[str, tuple[float, ...]]:
    scorer = EntityScorer(TAGS, np.array(sentence))
    entities = [scorer.entities(np.array(labels, dtype=np.uint8)) for labels in (true, predicted)]
    return {name: tuple(found) for name, found in scorer.score(*entities).items()}


def as_lists(labels: list[int], sentence: list[int]) -> list[list[str]]:
    pairs = zip(sentence, labels, strict=True)
    return [[TAGS[label] for _, label in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]


@given(words, st.integers(0, 5))
def test_scores_are_those_of_seqeval(drawn: list[tuple[int, int, bool]], first: int) -> None:
    true, predicted = [word[0] for word in drawn], [word[1] for word in drawn]
    # Sentence numbers need not begin at 0 nor be dense, as after a cap.
    sentence = list(first + 2 * np.cumsum([word[2] for word in drawn]))
    found = score(true, predicted, sentence)
    lists = as_lists(true, sentence), as_lists(predicted, sentence)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        micro = precision_score(*lists), recall_score(*lists), f1_score(*lists)
        try:
            report = classification_report(*lists, output_dict=True)
        except ValueError:  # seqeval cannot report where neither side has an entity
            report = {}
    assert found["all"][:3] == pytest.approx(micro if found["all"][3] else UNDEFINED, nan_ok=True)
    for name in ("LOC", "PER"):
        expected = tuple(report[name].values()) if found[name][3] else (*UNDEFINED, 0)
        assert found[name] == pytest.approx(expected, nan_ok=True)
    assert found["all"][3] == found["LOC"][3] + found["PER"][3]


@given(words)
def test_entities_are_those_of_seqeval(drawn: list[tuple[int, int, bool]]) -> None:
    labels, sentence = [word[0] for word in drawn], list(np.cumsum([word[2] for word in drawn]))
    found = EntityScorer(TAGS, np.array(sentence)).entities(np.array(labels, dtype=np.uint8))
    # An O stands before the first sentence.
    assert {(kind, first - 1, last - 1) for kind, first, last in found} == {*get_entities(as_lists(labels, sentence))}


def test_no_entity_crosses_the_end_of_a_sentence() -> None:
    scorer = EntityScorer(TAGS, np.array([0, 0, 1, 1]))
    # B-LOC ends a sentence and I-LOC begins the next: two entities, the second opened by its I-.
    assert len(scorer.entities(np.array([0, 1, 2, 0], dtype=np.uint8))) == 2
    joined = EntityScorer(TAGS, np.array([0, 0, 0, 0]))
    assert len(joined.entities(np.array([0, 1, 2, 0], dtype=np.uint8))) == 1


def test_a_type_without_a_mention_in_the_reference_has_undefined_scores_whatever_is_predicted() -> None:
    for predicted, micro in (([1, 2, 0], 1), ([1, 2, 3], 2 / 3)):
        found = score([1, 2, 0], predicted, [0, 0, 0])
        assert found["LOC"] == (1, 1, 1, 1)
        assert found["PER"] == pytest.approx((*UNDEFINED, 0), nan_ok=True)
        # What is predicted of it is wrong all the same.
        assert found["all"][2] == pytest.approx(micro)


def test_scores_worked_by_hand() -> None:
    # True: LOC at 0-1, PER at 3. Predicted: LOC at 0 alone (wrong end), PER at 3, LOC at 4.
    found = score([1, 2, 0, 3, 0], [1, 0, 0, 3, 1], [0] * 5)
    assert found["all"] == pytest.approx((1 / 3, 1 / 2, 2 / 5, 2))
    assert found["LOC"] == (0, 0, 0, 1)
    assert found["PER"] == (1, 1, 1, 1)


def test_f1_is_0_where_nothing_is_right_and_undefined_where_nothing_is_there() -> None:
    assert entity_score(0, 0, 3) == (0, 0, 0, 3)
    assert entity_score(0, 2, 3) == (0, 0, 0, 3)
    for predicted in (0, 3):
        assert entity_score(0, predicted, 0) == pytest.approx((*UNDEFINED, 0), nan_ok=True)


def test_accuracy_is_a_share_and_undefined_without_words() -> None:
    assert accuracy(np.array([0, 1, 2, 3], np.uint8), np.array([0, 1, 2, 2], np.uint8)) == 0.75
    nothing = np.array([], np.uint8)
    assert np.isnan(accuracy(nothing, nothing))
