import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cleanlab.rank import get_normalized_margin_for_each_label, get_self_confidence_for_each_label
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import KMeans
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from settling.analysis.dynamics import Epoch
from settling.detectors import DETECTORS, class_means, detector_of
from settling.detectors.detect import EDGES, detect, estimated_noisy, histogram, measure, ranked, selected_epochs_of
from settling.detectors.history import History
from settling.detectors.probabilities import probabilities
from settling.detectors.two_means import threshold
from settling.errors import BadInput
from settling.files import metadata_of, read_table, sha256, write_table, writing_table
from tests.conftest import ROOT, run_command

TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
VIEWS = ("minibatch", "epoch-end")
EPOCHS = 6
# By what they do; a detector may do both.
RANKING = [name for name in DETECTORS if detector_of(name).rank]
CALLING = [name for name in DETECTORS if detector_of(name).call]


def two_modes(noisy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return losses (words,) of which those of noisy words are far greater."""
    return np.where(noisy, rng.normal(3.5, 0.4, len(noisy)), rng.lognormal(-2, 0.5, len(noisy))).clip(0)


def history_of(
    right: np.ndarray, loss: np.ndarray, margin: np.ndarray, labels: np.ndarray, tags: Sequence[str] = TAGS
) -> History:
    """Return the history of (epochs, words) observations of words with these given labels."""
    history = History(labels, tags)
    for epoch in range(len(loss)):
        now = margin[epoch].astype(np.float32)
        predicted = np.where(right[epoch], labels, (labels + 1) % len(tags)).astype(np.uint8)
        history.add(Epoch("epoch-end", epoch, right[epoch], loss[epoch].astype(np.float32), now, predicted))
    return history


def after(losses: np.ndarray) -> History:
    """Return the history of one epoch with these losses (words,)."""
    return history_of(losses[None] < 1, losses[None], -losses[None], np.zeros(len(losses), dtype=np.int64))


def called(name: str, losses: np.ndarray) -> np.ndarray:
    """Return which words a detector calls noisy after one epoch with these losses (words,)."""
    call = detector_of(name).call
    assert call
    return call(after(losses))


def scores_of(name: str, history: History) -> np.ndarray:
    """Return by what a detector ranks words."""
    rank = detector_of(name).rank
    assert rank
    return rank(history)


def applying(tags: Sequence[str], *selected_epochs: str) -> set[tuple[str, str]]:
    """Return which detectors are scored after these selected epochs of a data set with these tags, and after which."""
    return {
        (name, selected_epoch)
        for name in DETECTORS
        for selected_epoch in selected_epochs
        if detector_of(name).only_after in (None, selected_epoch)
        and ("O" in tags or not detector_of(name).needs_outside)
    }


# The threshold of 2-means


def within(values: np.ndarray, cut: float) -> float:
    """Return the sum of squares within the two sides of a cut."""
    return sum(float(((side - side.mean()) ** 2).sum()) for side in (values[values <= cut], values[values > cut]))


def test_the_threshold_is_the_midpoint_of_the_two_means() -> None:
    # The clusters 0, 1, 2 and 9, 11 have the means 1 and 10.
    assert threshold(np.array([9.0, 1, 0, 11, 2])) == pytest.approx(5.5)


@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 20, width=16)))
def test_the_threshold_divides_as_well_as_the_best_of_all_cuts(values: np.ndarray) -> None:
    cuts = np.unique(values)[:-1]
    if not len(cuts):
        assert not called("kmeans", values).any()
        return
    assert within(values, threshold(values)) == pytest.approx(min(within(values, cut) for cut in cuts), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_clusters_are_no_worse_than_scikit_learn_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.lognormal(-1, 1.5, 500)
    reference = KMeans(2, n_init=20, random_state=0, tol=0).fit(losses[:, None])
    assert within(losses, threshold(losses)) <= reference.inertia_ * (1 + 1e-9)
    assert threshold(losses) == pytest.approx(reference.cluster_centers_.mean(), rel=0.05)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.45])
def test_k_means_calls_what_scikit_learn_puts_in_the_greater_cluster(rate: float) -> None:
    rng = np.random.default_rng(0)
    noisy = rng.random(2000) < rate
    losses = two_modes(noisy, rng)
    reference = KMeans(2, n_init=5, random_state=0).fit(losses[:, None])
    greater = reference.labels_ == reference.cluster_centers_[:, 0].argmax()
    assert called("kmeans", losses).tolist() == greater.tolist() == noisy.tolist()


def test_a_word_is_called_by_class_means_that_it_had_no_part_in() -> None:
    losses = np.array([0.0] * 100 + [1.0] * 100 + [1e6])
    # The outlier pulls the greater mean to itself, but for the words that are called along with it.
    assert called("kmeans", losses).sum() == 1
    found = called("class-means", losses)
    assert found[-1]
    assert not found[:100].any()
    assert 0 < found[100:200].sum() < 20


def test_class_means_are_those_of_nine_tenths(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[np.ndarray] = []
    monkeypatch.setattr(class_means, "threshold", lambda values: fitted.append(values) or 49.5)
    losses = np.arange(100.0)
    assert called("class-means", losses).tolist() == (losses > 49.5).tolist()
    held_out = [np.setdiff1d(losses, values) for values in fitted]
    assert [len(words) for words in held_out] == [10] * 10
    assert np.sort(np.concatenate(held_out)).tolist() == losses.tolist()


# The scores of words


@settings(max_examples=50)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_scores_over_epochs_are_numpy_s_over_all_epochs_at_once(num_epochs: int, num_words: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    right = rng.random((num_epochs, num_words)) < 0.5
    loss = rng.lognormal(-1, 2, (num_epochs, num_words)).astype(np.float32).astype(np.float64)
    margin = rng.normal(0, 3, (num_epochs, num_words)).astype(np.float32).astype(np.float64)
    history = history_of(right, loss, margin, np.zeros(num_words, dtype=np.int64))
    before = np.vstack([np.zeros(num_words, dtype=bool), right[:-1]])
    expected = {
        "loss": loss[-1],
        "loss-mean": loss.mean(axis=0),
        "confidence": -np.exp(-loss).mean(axis=0),
        "variability": np.exp(-loss).std(axis=0),
        "area-under-margin": -margin.mean(axis=0),
        "forgetting": (before & ~right).sum(axis=0),
        "first-learned": np.where(right.any(axis=0), right.argmax(axis=0), num_epochs),
        "self-confidence": -np.exp(-loss[-1]),
    }
    for name, scores in expected.items():
        np.testing.assert_allclose(scores_of(name, history), scores, rtol=1e-9, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("num_tags", [2, 3, 9])
def test_cleanlab_says_the_same_of_the_dynamics_as_of_the_model_s_own_probabilities(num_tags: int) -> None:
    rng = np.random.default_rng(num_tags)
    logits = rng.normal(0, 3, (200, num_tags))
    labels = rng.integers(0, num_tags, 200)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given_one = expected[np.arange(200), labels]
    others = expected.copy()
    others[np.arange(200), labels] = 0
    loss, margin = -np.log(given_one), np.log(given_one) - np.log(others.max(axis=1))
    history = history_of(np.ones((1, 200), dtype=bool), loss[None], margin[None], labels, ["O"] * num_tags)
    np.testing.assert_allclose(probabilities(history).sum(axis=1), 1, atol=1e-6)
    for name, reference in (
        ("self-confidence", get_self_confidence_for_each_label),
        ("normalized-margin", get_normalized_margin_for_each_label),
    ):
        np.testing.assert_allclose(scores_of(name, history), -reference(labels, expected), atol=1e-6)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2, 0.3, 0.45])
def test_the_rate_estimated_without_labels_is_near_the_truth_where_losses_are_apart(rate: float) -> None:
    rng = np.random.default_rng(1)
    noisy = rng.random(5000) < rate
    # Memorised in the last two of six epochs: the last loss tells nothing any more.
    loss = np.stack([two_modes(noisy, rng) if epoch < 4 else rng.lognormal(-3, 1, 5000) for epoch in range(6)])
    history = history_of(loss < 1, loss, -loss, np.zeros(5000, dtype=np.int64))
    assert estimated_noisy(history) / 5000 == pytest.approx(noisy.mean(), abs=0.01)


@pytest.mark.parametrize("name", DETECTORS)
def test_each_detector_ranks_or_calls_and_says_what_it_does_and_reads(name: str) -> None:
    detector = detector_of(name)
    assert detector.rank or detector.call
    assert detector.phrase
    assert detector.reads
    assert not detector.phrase.endswith(".")
    history = after(np.array([2.0, 0.1, 0.2, 1.5]))
    if detector.rank:
        assert detector.rank(history).dtype == np.float64
        assert detector.rank(history).shape == (4,)
    if detector.call:
        assert detector.call(history).dtype == bool
        assert detector.call(history).shape == (4,)


def test_the_documentation_has_a_row_for_each_detector_that_says_what_the_code_says() -> None:
    page = (ROOT / "docs" / "detectors.md").read_text()
    head, _, *lines = page[page.index("| detector | ") :].split("\n\n")[0].splitlines()
    assert head == "| detector | what it does | ranks or calls | reads | source |"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    expected = []
    for name in DETECTORS:
        detector = detector_of(name)
        does = " and ".join(verb for verb, way in (("ranks", detector.rank), ("calls", detector.call)) if way)
        expected.append([f"`{name}`", detector.phrase, does, detector.reads, detector.source])
    assert rows == expected


# How well they find what is wrong


def scored(scores: Sequence[float], noisy: Sequence[bool], **numbers: int) -> dict[tuple[str, str], float]:
    chance = np.random.default_rng(0).permutation(len(noisy))
    rows = ranked(np.array(scores, dtype=np.float64), np.array(noisy), numbers, chance)
    return {(rate, metric): value for rate, metric, value in rows}


mixed = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=25).filter(
    lambda words: len({noisy for _, noisy in words}) == 2
)


@given(mixed)
def test_auroc_is_the_share_of_pairs_in_the_right_order(words: list[tuple[int, bool]]) -> None:
    scores, noisy = zip(*words, strict=True)
    pairs = [(a > b) + (a == b) / 2 for a, wrong in words for b, also in words if wrong and not also]
    found = scored(scores, noisy)
    assert found["any", "auroc"] == pytest.approx(np.mean(pairs))
    assert found["any", "auroc"] == pytest.approx(roc_auc_score(noisy, scores))


@given(mixed)
def test_average_precision_sums_precision_where_recall_rises(words: list[tuple[int, bool]]) -> None:
    scores, noisy = zip(*words, strict=True)
    area, before = 0.0, 0.0
    for least in sorted(set(scores), reverse=True):
        kept = [wrong for score, wrong in words if score >= least]
        area += (sum(kept) / sum(noisy) - before) * sum(kept) / len(kept)
        before = sum(kept) / sum(noisy)
    found = scored(scores, noisy)
    assert found["any", "average_precision"] == pytest.approx(area)
    assert found["any", "average_precision"] == pytest.approx(average_precision_score(noisy, scores))


@given(mixed, st.integers(0, 25), st.randoms(use_true_random=False))
def test_the_words_called_are_the_most_suspect(words: list[tuple[int, bool]], number: int, random: Any) -> None:
    number = min(number, len(words))
    scores = random.sample(range(100), len(words))
    noisy = [wrong for _, wrong in words]
    left, called = dict(enumerate(scores)), [False] * len(words)
    for _ in range(number):
        most = max(left, key=lambda word: left[word])
        called[most] = True
        del left[most]
    found = scored(scores, noisy, some=number)
    expected = precision_recall_fscore_support(noisy, called, average="binary", zero_division=0)
    assert [found["some", metric] for metric in ("precision", "recall", "f1")] == pytest.approx(list(expected[:3]))


def test_ties_favour_neither_noisy_nor_clean_words() -> None:
    for first in (True, False):
        noisy = [first] * 2000 + [not first] * 2000
        assert scored([0.0] * 4000, noisy, known=2000)["known", "precision"] == pytest.approx(0.5, abs=0.03)


def synthetic(apart: bool, num_words: int = 4000, rate: float = 0.2) -> tuple[np.ndarray, History]:
    """Return which words are noisy and a history that tells, or does not tell, which are, as do the given labels."""
    rng = np.random.default_rng(2)
    noisy = rng.random(num_words) < rate
    loss = np.stack([two_modes(noisy if apart else rng.permutation(noisy), rng) for _ in range(EPOCHS)])
    # Clean words are learned in the second epoch; what is not apart is learned whenever.
    right = (loss < 1) & (np.arange(EPOCHS) > 0)[:, None]
    given_label = noisy if apart else rng.permutation(noisy)
    return noisy, history_of(right, loss, np.log(0.9) - loss, given_label.astype(np.int64))


def test_noise_that_is_apart_is_found_and_all_of_it() -> None:
    noisy, history = synthetic(apart=True)
    rows = measure(history, noisy, ["epoch-4", "final"])
    assert {(row.detector, row.selected_epoch) for row in rows} == applying(TAGS, "epoch-4", "final")
    # Never learned, and learned for good: neither is forgotten or wavers, which is what these two look for.
    found = [row for row in rows if row.detector not in ("forgetting", "variability")]
    assert {(row.rate, row.metric) for row in found} == {
        *(("any", metric) for metric in ("auroc", "average_precision")),
        *((rate, metric) for rate in ("known", "estimated", "own") for metric in ("precision", "recall", "f1")),
    }
    assert [row for row in found if row.value != pytest.approx(1)] == []


def test_noise_that_does_not_show_is_found_at_the_base_rate() -> None:
    noisy, history = synthetic(apart=False)
    base = noisy.mean()
    expected = {"auroc": 0.5, "average_precision": base, "precision": base}
    for row in measure(history, noisy, ["epoch-4"]):
        # Each of the other metrics follows from how many words were called.
        expectation = base if row.rate == "known" else expected.get(row.metric)
        if expectation is not None:
            assert row.value == pytest.approx(expectation, abs=0.05), row


def test_each_share_of_the_histogram_is_of_its_own_kind_of_word() -> None:
    losses = np.array([0.0, 1e-9, 0.2, 0.2, 3.0, 1e5])
    rows = histogram(losses, np.array([False, False, False, False, True, True]))
    shares = pd.DataFrame(rows, columns=["noisy", "low", "high", "share"])
    assert shares.groupby("noisy")["share"].sum().tolist() == pytest.approx([1, 1])
    assert len(rows) == 2 * (len(EDGES) - 1)
    filled = shares[shares["share"] > 0]
    # What lies beyond the bins is in the first and the last.
    assert filled[["noisy", "low", "share"]].to_numpy().tolist() == [
        [False, EDGES[0], 0.5],
        [False, 0.158, 0.5],
        [True, 2.51, 0.5],
        [True, EDGES[-2], 0.5],
    ]


# The stage


def write_run(
    folder: Path,
    noisy: np.ndarray,
    losses: np.ndarray,
    margins: np.ndarray | None = None,
    tags: Sequence[str] = TAGS,
    dev_f1: Sequence[float] = (0.2, 0.5, 0.9, 0.9, 0.8, 0.7),
    noisy_accuracy: Sequence[float] = (0.0, 0.0, 0.0, 0.1, 0.9, 1.0),
    views: Sequence[str] = VIEWS,
) -> list[Path]:
    """Write a run of (epochs, words) losses, a word right where its loss is below 1.

    Returns the paths of its dynamics, treated split and scores.
    """
    paths = [folder / name for name in ("dynamics.parquet", "treated.parquet", "scores.parquet")]
    number = len(noisy)
    treated = {
        "sentence": [0] * number,
        "position": [0] * number,
        "word": np.arange(number),
        "true_label": tags[:1] * number,
        "given_label": np.where(noisy, tags[-1], tags[0]).tolist(),
        "noisy": noisy,
    }
    write_table(paths[1], "treated", treated, {"tags": tags, "settled_f1": 0.6})
    made = {"tags": tags, "inputs": {"treated": sha256(paths[1])}}
    with writing_table(paths[0], "dynamics", made) as write_group:
        for view in views:
            for epoch, loss in enumerate(losses):
                write_group(
                    {
                        "view": [view] * number,
                        "epoch": [epoch] * number,
                        "word": np.arange(number),
                        "predicted": np.where(loss < 1, noisy * (len(tags) - 1), 1),
                        "loss": loss.astype(np.float32),
                        "margin": (-losses if margins is None else margins)[epoch].astype(np.float32),
                    }
                )
    rows = []
    for epoch, (dev, accuracy) in enumerate(zip(dev_f1, noisy_accuracy, strict=True)):
        rows.append((epoch, "dev", "epoch-end", "true", "all", "f1", dev))
        for view in views:
            rows.append((epoch, "train", view, "given", "all", "f1", 0.6))
            rows.append((epoch, "train", view, "given", "all", "noisy_accuracy", accuracy))
    names = ("epoch", "split", "view", "reference", "class", "metric", "value")
    write_table(paths[2], "scores", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), made)
    return paths


@pytest.fixture
def run(tmp_path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Path]]:
    """Return which words are noisy, losses, margins and the files of a run that memorises its noise at the end."""
    rng = np.random.default_rng(3)
    noisy = rng.random(300) < 0.3
    loss = np.stack([two_modes(noisy, rng) if epoch < 4 else rng.lognormal(-3, 1, 300) for epoch in range(EPOCHS)])
    margin = 2 - loss
    return noisy, loss, margin, write_run(tmp_path, noisy, loss, margin)


def test_the_stage_scores_each_detector_at_each_selected_epoch_on_the_epochs_so_far(
    run: tuple[np.ndarray, np.ndarray, np.ndarray, list[Path]], tmp_path: Path
) -> None:
    noisy, loss, margin, paths = run
    detect(*paths, tmp_path / "out")
    table = read_table(tmp_path / "out" / "detectors.parquet", "detectors")
    rows = {tuple(row[name] for name in table.column_names[:-1]): row["value"] for row in table.to_pylist()}
    assert len(rows) == len(table)
    # Settling ends after epoch 3, dev F1 is best at epoch 2 first, and the fourth epoch is 3.
    last = {"best": 2, "settled": 3, "epoch-4": 3, "final": 5}
    scored = applying(TAGS, *last)
    assert {(detector, selected_epoch) for _, detector, selected_epoch, *_ in rows} == scored
    assert {selected_epoch for detector, selected_epoch in scored if detector == "class-means"} == {"epoch-4"}
    ranked_ones = [name for name, _ in scored if name in RANKING]
    called_ones = [name for name, _ in scored if name in CALLING]
    assert len(rows) == len(VIEWS) * (len(ranked_ones) * (2 + 2 * 3) + len(called_ones) * 3)
    wide = loss.astype(np.float32).astype(np.float64)
    for selected_epoch, epoch in last.items():
        expected = {
            "loss": wide[epoch],
            "loss-mean": wide[: epoch + 1].mean(axis=0),
            "area-under-margin": -margin[: epoch + 1].mean(axis=0),
        }
        for view in VIEWS:
            for name, scores in expected.items():
                assert rows[view, name, selected_epoch, "any", "auroc"] == pytest.approx(
                    roc_auc_score(noisy, scores), abs=1e-6
                )
            own = [rows[view, "kmeans", selected_epoch, "own", metric] for metric in ("precision", "recall", "f1")]
            cut = threshold(wide[epoch])
            reference = precision_recall_fscore_support(noisy, wide[epoch] > cut, average="binary")
            assert own == pytest.approx(list(reference[:3]))
    # All is found while nothing is memorised; at the end the last loss alone tells nothing, and the mean still does.
    assert rows["epoch-end", "loss", "settled", "known", "f1"] == 1
    assert rows["epoch-end", "class-means", "epoch-4", "own", "f1"] == 1
    assert rows["epoch-end", "loss", "final", "known", "f1"] < 0.5
    assert rows["epoch-end", "loss-mean", "final", "estimated", "f1"] > 0.99
    made = metadata_of(table.schema)
    roles = ("dynamics", "treated", "scores")
    assert made["inputs"] == {role: sha256(path) for role, path in zip(roles, paths, strict=True)}

    bins = read_table(tmp_path / "out" / "losses.parquet", "losses").to_pandas()
    shares = bins.groupby(["view", "selected_epoch", "noisy"], observed=True)["share"].sum()
    assert len(shares) == len(VIEWS) * len(last) * 2
    assert shares.to_numpy() == pytest.approx(1)


def test_the_same_run_gives_the_same_bytes(
    run: tuple[np.ndarray, np.ndarray, np.ndarray, list[Path]], tmp_path: Path
) -> None:
    for name in ("once", "again"):
        detect(*run[-1], tmp_path / name)
    for table in ("detectors.parquet", "losses.parquet"):
        assert (tmp_path / "once" / table).read_bytes() == (tmp_path / "again" / table).read_bytes()


def test_of_images_and_in_one_view_what_needs_the_label_o_is_left_out_and_all_else_is_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    noisy = rng.random(50) < 0.3
    loss = np.stack([two_modes(noisy, rng)] * EPOCHS)
    detect(*write_run(tmp_path, noisy, loss, tags=TAGS[1:], views=VIEWS[:1]), tmp_path / "out")
    found = read_table(tmp_path / "out" / "detectors.parquet", "detectors").to_pandas()
    assert set(found["detector"]) == set(DETECTORS) - {"entity-label"}
    assert set(found["view"]) == {"minibatch"}


def test_where_there_is_one_tag_margins_are_infinite_and_nothing_is_wrong(tmp_path: Path) -> None:
    clean = np.zeros(4, dtype=bool)
    paths = write_run(tmp_path, clean, np.zeros((EPOCHS, 4)), np.full((EPOCHS, 4), np.inf), tags=TAGS[:1])
    detect(*paths, tmp_path / "out")
    assert len(read_table(tmp_path / "out" / "detectors.parquet", "detectors")) == 0


@pytest.mark.parametrize("kinds", [[False] * 4, [True] * 4], ids=["none", "all"])
def test_where_nothing_can_be_told_apart_the_table_of_detectors_is_empty(tmp_path: Path, kinds: list[bool]) -> None:
    detect(*write_run(tmp_path, np.array(kinds), np.ones((EPOCHS, 4))), tmp_path / "out")
    assert len(read_table(tmp_path / "out" / "detectors.parquet", "detectors")) == 0
    bins = read_table(tmp_path / "out" / "losses.parquet", "losses").to_pandas()
    assert set(bins["noisy"]) == {kinds[0]}


def scores_frame(dev_f1: Sequence[float], noisy_accuracy: float) -> pd.DataFrame:
    rows = []
    for epoch, value in enumerate(dev_f1):
        rows.append((epoch, "dev", "epoch-end", "true", "all", "f1", value))
        rows.append((epoch, "dev", "epoch-end", "true", "LOC", "f1", 1 - value))
        rows.append((epoch, "train", "minibatch", "given", "all", "f1", 0.5))
        rows.append((epoch, "train", "minibatch", "given", "all", "noisy_accuracy", noisy_accuracy))
    # Backwards, as no order is promised.
    return pd.DataFrame(rows[::-1], columns=["epoch", "split", "view", "reference", "class", "metric", "value"])


@pytest.mark.parametrize(
    ("dev_f1", "noisy_accuracy", "expected"),
    [
        ([0.5, 0.9, 0.9], 1.0, {"best": 1, "final": 2}),
        ([0.1, 0.9, 0.9, 0.2, 0.1], 1.0, {"best": 1, "final": 4, "epoch-4": 3}),
        ([0.1, 0.9, 0.9, 0.2, 0.1], 0.0, {"best": 1, "final": 4, "epoch-4": 3, "settled": 2}),
        ([np.nan] * 4, 0.0, {"final": 3, "epoch-4": 3}),
    ],
    ids=["short", "does not settle", "settles", "dev without an entity"],
)
def test_the_selected_epochs_are_those_that_the_run_has(
    dev_f1: list[float], noisy_accuracy: float, expected: dict[str, int]
) -> None:
    assert selected_epochs_of(scores_frame(dev_f1, noisy_accuracy), "minibatch", 0.5, 9) == expected


def test_files_that_are_not_of_one_run_are_refused(tmp_path: Path) -> None:
    noisy, other = np.array([True, False, False]), np.array([True, True, False])
    loss = np.ones((EPOCHS, 3))
    dynamics, treated, scores = write_run(tmp_path / "a", noisy, loss)
    other_dynamics, other_treated, other_scores = write_run(tmp_path / "b", other, loss)
    shorter = write_run(tmp_path / "c", noisy, loss, dev_f1=[0.5, 0.6], noisy_accuracy=[0, 0])[2]
    infinite = write_run(tmp_path / "d", noisy, loss, np.full((EPOCHS, 3), np.inf))[0]
    for files, message in (
        ((dynamics, other_treated, scores), "on another training split"),
        ((dynamics, treated, other_scores), r"b/.*scores\.parquet: of a run on another training split"),
        ((other_dynamics, treated, scores), r"b/.*dynamics\.parquet: of a run on another training split"),
        ((dynamics, treated, shorter), r"6 epochs in view minibatch; .*scores\.parquet has 2"),
        ((infinite, treated, scores), "epoch 0: a loss or margin is not finite"),
    ):
        with pytest.raises(BadInput, match=message):
            detect(*files, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_runs_without_torch_on_a_real_run(tiny_run: Path, tiny_treated: Path, tmp_path: Path) -> None:
    code = "import sys; from settling.cli import main; main(); print('torch' in sys.modules)"
    files = ("--dynamics", tiny_run / "dynamics.parquet", "--treated", tiny_treated, "--scores")
    command = ["detect", *files, tiny_run / "scores.parquet", "--output", tmp_path / "out"]
    done = run_command([sys.executable, "-c", code, *map(str, command)])
    assert done.stdout.strip() == "False"
    found = read_table(tmp_path / "out" / "detectors.parquet", "detectors").to_pandas()
    assert set(found["view"]) == set(VIEWS)
    assert found["value"].between(0, 1).all()
