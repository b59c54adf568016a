"""From dynamics to events: ours, a pandas group-by of the same file, reading it with pyarrow; each on one thread."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from settling.analysis.events import find_events
from settling.provenance import provenance
from settling.tables import read_table, write_table
from settling.training.records import Observation, write_dynamics

TAGS = ("O", *(f"{place}-{name}" for name in ("LOC", "MISC", "ORG", "PER") for place in "BI"))
WORDS, EPOCHS = 200_000, 100


def prepare(folder: Path) -> None:
    """Write a run of so many words and epochs to `folder`: the losses are random to the last digit."""
    rng = np.random.default_rng(0)
    given_label = rng.choice(len(TAGS), WORDS, p=[0.83, *[0.17 / 8] * 8]).astype(np.uint8)
    names = pa.DictionaryArray.from_arrays(pa.array(given_label.astype(np.int32)), pa.array(TAGS))
    columns = {
        "sentence": np.arange(WORDS) // 14,
        "position": np.arange(WORDS) % 14,
        "word": np.arange(WORDS, dtype=np.uint32),
        "true_label": names,
        "given_label": names,
        "noisy": np.zeros(WORDS, dtype=bool),
    }
    write_table(folder / "treated.parquet", "treated", columns, {"tags": TAGS})
    hardness = rng.gamma(0.5, 1.0, WORDS)
    seen = []
    for epoch in range(EPOCHS):
        loss = (hardness * rng.gamma(1.0, 1.0, WORDS) * 3 / (1 + epoch)).astype(np.float32)
        wrong = rng.random(WORDS) > np.exp(-loss)
        predicted = np.where(wrong, rng.integers(0, len(TAGS), WORDS), given_label).astype(np.uint8)
        seen.append(Observation(predicted, loss, loss))
    made = provenance("train", None, {"treated": folder / "treated.parquet"})
    write_dynamics(folder / "dynamics.parquet", {"minibatch": seen}, TAGS, made)


def bytes_a_word_epoch(folder: Path) -> float:
    """Return what a word of an epoch takes on disk."""
    return (folder / "dynamics.parquet").stat().st_size / (WORDS * EPOCHS)


def measure(folder: Path) -> dict[str, float]:
    """Return the seconds of a core that each takes: the least of three turns.

    What else the machine does only adds to them, and so does memory that a task is the first to touch.
    """
    pa.set_cpu_count(1)
    tasks = {"ours": ours, "read": read, "pandas": by_pandas}
    turns = [{name: timed(task, folder) for name, task in tasks.items()} for _ in range(3)]
    return {name: min(turn[name] for turn in turns) for name in tasks}


def timed(task: Callable[[Path], object], folder: Path) -> float:
    """Return the seconds of a core that a task takes, pyarrow's threads for reading among them."""
    began = time.process_time()
    task(folder)
    return time.process_time() - began


def ours(folder: Path) -> None:
    find_events(folder / "dynamics.parquet", folder / "treated.parquet", folder / "events.parquet")


def read(folder: Path) -> None:
    pq.read_table(folder / "dynamics.parquet")


def by_pandas(folder: Path) -> None:
    frame = pd.read_parquet(folder / "dynamics.parquet", columns=["epoch", "word", "predicted", "loss"])
    labels = read_table(folder / "treated.parquet", "treated")
    given_label = pc.index_in(labels["given_label"].cast(pa.string()), pa.array(TAGS)).to_numpy()
    frame["right"] = frame["predicted"].to_numpy() == given_label[frame["word"].to_numpy()]
    before = frame.groupby("word")["right"].shift(fill_value=False)
    frame["learning"] = frame["right"] & ~before
    frame["forgetting"] = before & ~frame["right"]
    by_word = frame.groupby("word")
    events = by_word.agg(
        learning=("learning", "sum"),
        forgetting=("forgetting", "sum"),
        loss_mean=("loss", "mean"),
        loss_variance=("loss", "var"),
    )
    events["first_learned"] = frame[frame["right"]].groupby("word")["epoch"].min()
    found = pd.read_parquet(folder / "events.parquet")
    for name in ("learning", "forgetting"):
        if not np.array_equal(events[name].to_numpy(), found[name].to_numpy()):
            raise SystemExit(f"{name}: pandas and ours do not agree")
