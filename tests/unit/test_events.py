from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settling.analysis.events import BLOCK, EventCounter, Events, find_events
from settling.errors import BadInput
from settling.provenance import sha256
from settling.tables import metadata_of, open_table, read_table, write_table, writing_table

histories = st.integers(1, 8).flatmap(
    lambda epochs: st.lists(
        st.lists(st.tuples(st.booleans(), st.floats(0, 50, width=32)), min_size=epochs, max_size=epochs),
        min_size=1,
        max_size=10,
    )
)


def naive(right: list[bool]) -> tuple[int, int, int]:
    """Return the first epoch a word is right or -1, and its learning and forgetting events."""
    first = right.index(True) if True in right else -1
    before = [False, *right[:-1]]
    learning = sum(now and not then for now, then in zip(right, before, strict=True))
    forgetting = sum(then and not now for now, then in zip(right, before, strict=True))
    return first, learning, forgetting


def counted(right: Any, losses: Any) -> Events:
    """Count the events of `right` (epochs, words) and `losses` (epochs, words)."""
    counter = EventCounter(len(right[0]))
    for now, loss in zip(np.array(right, dtype=bool), np.array(losses, dtype=np.float32), strict=True):
        counter.add(now, loss, np.zeros(len(now), dtype=np.uint8))
    return counter.events()


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ("0000", (-1, 0, 0)),
        ("1111", (0, 1, 0)),  # right in the first epoch: a learning event, for it counts as wrong before
        ("0011", (2, 1, 0)),
        ("1000", (0, 1, 1)),
        ("0101", (1, 2, 1)),
        ("1010", (0, 2, 2)),
        ("0001", (3, 1, 0)),
    ],
)
def test_events_worked_by_hand(epochs: str, expected: tuple[int, int, int]) -> None:
    events = counted([[letter == "1"] for letter in epochs], [[0.0]] * len(epochs))
    assert tuple(int(values[0]) for values in events[:3]) == expected


@given(histories)
def test_events_are_those_of_a_loop_over_words(words: list[list[tuple[bool, float]]]) -> None:
    right_WE = [[right for right, _ in word] for word in words]
    events = counted(np.array(right_WE).T, np.array([[loss for _, loss in word] for word in words]).T)
    found = list(zip(*(values.tolist() for values in events[:3]), strict=True))
    assert found == [naive(right) for right in right_WE]
    for first, learning, forgetting in found:
        assert learning - forgetting in (0, 1)
        assert (first == -1) == (learning == 0)


@given(histories)
def test_mean_and_variance_of_the_loss_are_numpy_s(words: list[list[tuple[bool, float]]]) -> None:
    loss_WE = np.array([[loss for _, loss in word] for word in words], dtype=np.float32)
    events = counted(np.zeros(loss_WE.T.shape), loss_WE.T)
    exact = loss_WE.astype(np.float64)
    np.testing.assert_allclose(events.loss_mean, exact.mean(axis=1), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(events.loss_variance, exact.var(axis=1), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("predicted_type", [np.uint8, np.uint16])
def test_the_words_of_every_block_are_counted_alike(predicted_type: type[np.integer]) -> None:
    rng = np.random.default_rng(0)
    right = rng.random((5, 2 * BLOCK + 7)) < 0.6
    loss = rng.random(right.shape, dtype=np.float32)
    predicted = rng.integers(0, np.iinfo(predicted_type).max // 2, right.shape).astype(predicted_type)
    whole = EventCounter(right.shape[1])
    for epoch in zip(right, loss, predicted, strict=True):
        whole.add(*epoch)
    for word in (0, BLOCK - 1, BLOCK, 2 * BLOCK, 2 * BLOCK + 6):
        alone = EventCounter(1)
        for now, nats, tag in zip(right[:, word], loss[:, word], predicted[:, word], strict=True):
            alone.add(np.array([now]), np.array([nats]), np.array([tag]))
        assert [values[word] for values in whole.events()] == [values[0] for values in alone.events()]
        mistakes = predicted[~right[:, word], word]
        assert alone.events().mistaken_for[0] == (mistakes[-1] if len(mistakes) else -1)


def test_the_variance_of_a_large_loss_does_not_cancel() -> None:
    loss = np.array([[1e4], [1e4 + 0.5], [1e4 + 1]], dtype=np.float32)
    assert counted(np.zeros((3, 1)), loss).loss_variance[0] == pytest.approx(1 / 6, rel=1e-5)


def test_the_events_of_a_real_run_are_those_read_row_by_row(tiny_run: Path, tiny_treated: Path, tmp_path: Path) -> None:
    output = tmp_path / "events.parquet"
    find_events(tiny_run / "dynamics.parquet", tiny_treated, output)

    dynamics = pq.read_table(tiny_run / "dynamics.parquet")
    tags = metadata_of(dynamics.schema)["tags"]
    words = {row["word"]: row for row in pq.read_table(tiny_treated).to_pylist()}
    history: dict[tuple[str, int], list[tuple[int, bool, float]]] = {}
    mistaken: dict[tuple[str, int], str] = {}
    for row in dynamics.to_pylist():
        right = tags[row["predicted"]] == words[row["word"]]["given_label"]
        history.setdefault((row["view"], row["word"]), []).append((row["epoch"], right, row["loss"]))
        if not right:
            mistaken[row["view"], row["word"]] = tags[row["predicted"]]

    table = read_table(output, "events")
    rows = {(row["view"], row["word"]): row for row in table.to_pylist()}
    assert {view for view, _ in rows} == {"minibatch", "epoch-end"}
    assert len(rows) == len(table)
    assert rows.keys() == history.keys()
    for key, seen in history.items():
        assert [epoch for epoch, _, _ in seen] == list(range(6))
        row, word = rows[key], words[key[1]]
        assert (row["first_learned"], row["learning"], row["forgetting"]) == naive([right for _, right, _ in seen])
        assert all(row[name] == word[name] for name in ("true_label", "given_label", "noisy"))
        losses = [loss for _, _, loss in seen]
        assert row["loss_mean"] == pytest.approx(np.mean(losses), rel=1e-5)
        assert row["loss_variance"] == pytest.approx(np.var(losses), rel=1e-5, abs=1e-9)
        assert row["mistaken_for"] == mistaken.get(key)
    # The run must have something to tell, or the comparison says little.
    assert sum(row["forgetting"] for row in rows.values()) > 10
    assert 10 < len(mistaken) < len(rows)

    made = metadata_of(table.schema)
    assert made["epochs"] == 6
    assert made["inputs"] == {"dynamics": sha256(tiny_run / "dynamics.parquet"), "treated": sha256(tiny_treated)}


def test_the_two_views_are_counted_apart(tmp_path: Path) -> None:
    write_treated(tmp_path / "treated.parquet", ["B-LOC", "O"])
    # Tag 1 is B-LOC, tag 0 is O: predictions by view and epoch.
    predicted = {"minibatch": [[0, 0], [1, 0]], "epoch-end": [[1, 1], [0, 1]]}
    write_dynamics(tmp_path / "dynamics.parquet", predicted)
    find_events(tmp_path / "dynamics.parquet", tmp_path / "treated.parquet", tmp_path / "events.parquet")
    rows = read_table(tmp_path / "events.parquet", "events").to_pylist()
    names = ("view", "word", "first_learned", "learning", "forgetting")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("minibatch", 0, 1, 1, 0),
        ("minibatch", 1, 0, 1, 0),
        ("epoch-end", 0, 0, 1, 1),
        ("epoch-end", 1, -1, 0, 0),
    ]


def write_treated(path: Path, given_labels: list[str]) -> None:
    number = len(given_labels)
    columns = {
        "sentence": [0] * number,
        "position": list(range(number)),
        "word": list(range(number)),
        "true_label": ["O"] * number,
        "given_label": given_labels,
        "noisy": [label != "O" for label in given_labels],
    }
    write_table(path, "treated", columns, {"tags": ["O", "B-LOC"]})


def write_dynamics(path: Path, predicted: dict[str, list[list[int]]]) -> None:
    with writing_table(path, "dynamics", {"tags": ["O", "B-LOC"]}) as write_group:
        for view, epochs in predicted.items():
            for epoch, labels in enumerate(epochs):
                number = len(labels)
                write_group(
                    {
                        "view": [view] * number,
                        "epoch": [epoch] * number,
                        "word": list(range(number)),
                        "predicted": labels,
                        "loss": [0.5] * number,
                        "margin": [0.5] * number,
                    }
                )


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ({"minibatch": [[0, 0, 0]]}, r"dynamics\.parquet: 3 words an epoch; .*treated\.parquet has 2"),
        ({"minibatch": [[0]]}, r"1 words an epoch"),
        ({"minibatch": [[0, 0]], "epoch-end": [[0, 0], [0, 0]]}, r"same number of epochs .* found \[1, 2\]"),
        ({}, r"dynamics\.parquet: .*epochs"),
    ],
    ids=["longer", "shorter", "views differ", "no epoch"],
)
def test_dynamics_that_do_not_belong_to_the_split_are_refused(
    tmp_path: Path, predicted: dict[str, list[list[int]]], message: str
) -> None:
    write_treated(tmp_path / "treated.parquet", ["B-LOC", "O"])
    write_dynamics(tmp_path / "dynamics.parquet", predicted)
    with pytest.raises(BadInput, match=message):
        find_events(tmp_path / "dynamics.parquet", tmp_path / "treated.parquet", tmp_path / "out" / "events.parquet")
    assert not (tmp_path / "out").exists()


def test_dynamics_whose_tags_lack_a_given_label_are_refused(tmp_path: Path) -> None:
    write_treated(tmp_path / "treated.parquet", ["B-PER", "O"])
    write_dynamics(tmp_path / "dynamics.parquet", {"minibatch": [[0, 0]]})
    with pytest.raises(BadInput, match=r"dynamics\.parquet: the tags .* lack a given label of .*treated\.parquet"):
        find_events(tmp_path / "dynamics.parquet", tmp_path / "treated.parquet", tmp_path / "events.parquet")


def test_the_dynamics_hold_one_row_group_an_epoch_and_view(tiny_run: Path) -> None:
    """What lets the events of a long run be counted in the memory of one epoch."""
    with open_table(tiny_run / "dynamics.parquet", "dynamics") as file:
        groups = [file.read_row_group(group, columns=["view", "epoch"]) for group in range(file.num_row_groups)]
    keys = [(group["view"][0].as_py(), group["epoch"][0].as_py()) for group in groups]
    assert keys == [(view, epoch) for view in ("minibatch", "epoch-end") for epoch in range(6)]
    assert all(len(set(group["epoch"].to_pylist())) == 1 for group in groups)


def test_a_word_learned_in_the_last_of_as_many_epochs_as_a_study_may_have_has_that_epoch(tmp_path: Path) -> None:
    counter = EventCounter(1)
    counter.epoch = 40_000
    counter.add(np.array([True]), np.array([0.5], dtype=np.float32), np.array([0], dtype=np.uint8))
    columns: dict[str, Any] = {name: [value[0]] for name, value in counter.events()._asdict().items()}
    columns |= {"view": ["epoch-end"], "word": [0], "true_label": ["O"], "given_label": ["O"], "noisy": [False]}
    write_table(tmp_path / "events.parquet", "events", {**columns, "mistaken_for": [None]}, {})
    assert read_table(tmp_path / "events.parquet", "events")["first_learned"].to_pylist() == [40_000]
    shares = {"mean": 1.0, "sd": None, "low": None, "high": None, "n": 1}
    named = dict.fromkeys(("dataset", "treatment", "family", "kind", "system", "view", "class"), "x")
    row = {**named, "percent": None, "cap_class": None, "cap_sentences": None, "noisy": False, "epoch": 40_000}
    write_table(
        tmp_path / "shares.parquet", "first_learned", {key: [value] for key, value in {**row, **shares}.items()}, {}
    )
    assert read_table(tmp_path / "shares.parquet", "first_learned")["epoch"].to_pylist() == [40_000]
