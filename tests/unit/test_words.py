"""The words that stand out in the runs of a study, and their text."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from settling.analysis.quotes import quote
from settling.analysis.words import notable
from settling.errors import BadInput
from settling.files import read_table, write_table
from settling.schemas import SCHEMAS
from tests.unit.small_study import write


def treated_of(num_words: int) -> pd.DataFrame:
    """Return a split of sentences of two words."""
    words = range(num_words)
    return pd.DataFrame(
        {
            "word": words,
            "sentence": [word // 2 for word in words],
            "position": [word % 2 for word in words],
            "true_label": "O",
            "given_label": ["B-LOC" if word == 2 else "O" for word in words],
            "noisy": [word == 2 for word in words],
        }
    )


def run(forgetting: list[int], first_learned: list[int], loss: list[float], mistaken: str | None = None) -> Any:
    """Return the events of a run of 9 epochs."""
    columns = {"forgetting": forgetting, "first_learned": first_learned, "loss_mean": loss}
    return pd.DataFrame({**columns, "mistaken_for": [mistaken] * len(loss), "epochs": 9})


RUNS = [
    run([0, 1, 4, 0, 1], [0, 0, -1, 2, 5], [0.1, 0.2, 9.0, 1.0, 0.5], "B-PER"),
    run([0, 1, 3, 0, 0], [0, 0, 7, 4, 1], [0.1, 0.4, 7.0, 1.0, 1.5]),
]


def listed(name: str) -> list[tuple[int, int]]:
    """Return a list's words, each with its rank."""
    found = notable(RUNS, treated_of(5))
    rows = found[found["list"] == name]
    return list(zip(rows["rank"], rows["word"], strict=True))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        # By hand: 3.5, 1 and 0.5 events in the mean; the others never.
        ("most-forgotten", [2, 1, 4]),
        # Mean epochs 0, 0, 8 (never counts as 9), 3, 3; the losses decide between two at one time.
        ("first-learned", [0, 1, 3, 4, 2]),
        ("last-learned", [2, 3, 4, 1, 0]),
        # Mean losses 0.1, 0.3, 8, 1, 1: level words in corpus order.
        ("highest-loss", [2, 3, 4, 1, 0]),
    ],
)
def test_each_list_has_its_words_by_the_mean_over_the_runs(name: str, words: list[int]) -> None:
    assert listed(name) == list(enumerate(words, 1))


def test_a_listed_word_says_what_is_known_of_it() -> None:
    found = notable(RUNS, treated_of(5))
    names = SCHEMAS["words"].names
    assert set(found.columns) == set(names[names.index("list") :])
    row = found[found["list"] == "highest-loss"].iloc[0]
    assert row[["word", "sentence", "position"]].tolist() == [2, 1, 0]
    assert row[["true_label", "given_label", "noisy", "mistaken_for"]].tolist() == ["O", "B-LOC", True, "B-PER"]
    assert row[["forgetting", "first_learned", "loss", "n"]].tolist() == [3.5, 8, 8, 2]


def test_no_more_than_20_words_are_listed_and_none_that_was_never_forgotten() -> None:
    events = run([0] * 30, [0] * 30, [1.0] * 30)
    found = notable([events], treated_of(30))
    assert found["list"].value_counts().to_dict() == {"first-learned": 20, "last-learned": 20, "highest-loss": 20}
    assert found.loc[found["list"] == "highest-loss", "word"].tolist() == list(range(20))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Return a folder of a table of two words and the data set that they are of."""
    text = [["The", "Bank", "of", "England"], ["<b>x</b>"], ["It", "said", "so"]]
    columns = {
        "sentence": [number for number, words in enumerate(text) for _ in words],
        "position": [place for words in text for place in range(len(words))],
        "token": [word for words in text for word in words],
        "label": ["O"] * 8,
        "image": [None] * 8,
    }
    write_table(tmp_path / "data" / "news" / "train.parquet", "data", columns, {})
    word = dict.fromkeys(("percent", "cap_class", "cap_sentences", "mistaken_for"))
    word |= {"dataset": "news", "treatment": "clean", "family": "clean", "kind": "clean", "noise_seed": 0}
    word |= {"system": "bert", "view": "minibatch"}
    word |= {
        "list": "highest-loss",
        "rank": 1,
        "word": 3,
        "true_label": "O",
        "given_label": "O",
        "noisy": False,
        "n": 1,
    }
    word |= {"forgetting": 0.0, "first_learned": 0.0, "loss": 0.0}
    places = [(2, 0), (0, 3), (1, 0), (0, 3)]
    rows = [{**word, "sentence": sentence, "position": position} for sentence, position in places]
    write(tmp_path / "tables" / "words.parquet", "words", rows)
    return tmp_path


def test_a_word_is_quoted_once_in_its_sentence(study: Path) -> None:
    quote(study / "tables", study / "data", study / "tables")
    assert [tuple(row.values()) for row in read_table(study / "tables" / "quotes.parquet", "quotes").to_pylist()] == [
        ("news", 0, 3, "The Bank of", "England", ""),
        ("news", 1, 0, "", "<b>x</b>", ""),
        ("news", 2, 0, "", "It", "said so"),
    ]
    assert (study / "tables" / "quotes.csv").read_text().splitlines()[1] == "news,0,3,The Bank of,England,"


def test_a_missing_data_set_is_named(study: Path) -> None:
    (study / "data" / "news" / "train.parquet").unlink()
    with pytest.raises(BadInput, match=r"data/news/train\.parquet: no such file"):
        quote(study / "tables", study / "data", study / "tables")
