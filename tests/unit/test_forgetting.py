"""Forgotten words are counted as the paper's table 1 has them, and on the authors' grid."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settling.analysis.forgetting import counts

Word = tuple[int, int, bool]
"""First epoch learned, number of forgetting events, noisy."""


def events_of(words: list[Word], view: str = "epoch-end") -> pd.DataFrame:
    first, forgetting, noisy = zip(*words, strict=True)
    return pd.DataFrame(
        {"view": view, "word": range(len(words)), "first_learned": first, "forgetting": forgetting, "noisy": noisy}
    ).astype({"word": "uint32", "first_learned": "int16", "forgetting": "uint16"})


def as_dict(table: pd.DataFrame) -> dict[tuple[str, str, bool, str], float]:
    keys = table[["view", "counting", "noisy", "metric"]].itertuples(index=False, name=None)
    found = dict(zip(keys, table["value"].tolist(), strict=True))
    assert len(found) == len(table)
    return found


def counted(found: dict[tuple[str, str, bool, str], float], *place: object) -> list[float | None]:
    return [found.get((*place, metric)) for metric in ("forgettable", "unforgettable", "learned", "ratio")]  # type: ignore[arg-type]


def test_counts_worked_by_hand() -> None:
    # Two sentences: 3 words, and 50, of which the grid has 48.
    clean = [(0, 0, False), (2, 3, False), (-1, 0, False), *[(1, 0, False)] * 48, (0, 1, False)]
    words = [*clean, (4, 2, True)]
    positions = np.array([*range(3), *range(50)])
    found = as_dict(counts(events_of(words), positions, num_sentences=2))
    assert counted(found, "epoch-end", "words", False) == [2, 50, 51, 2 / 51]
    assert counted(found, "epoch-end", "words", True) == [1, 0, 1, 1]
    # The last two words are off the grid, the only noisy one with them. 100 cells: 51 words, 4 specials, 45 padding.
    assert counted(found, "epoch-end", "authors", False) == [1, 99, 50 + 4, 1 / 54]
    assert counted(found, "epoch-end", "authors", True) == [None] * 4


def test_a_run_of_noisy_words_alone_still_has_a_grid_with_clean_cells() -> None:
    found = as_dict(counts(events_of([(-1, 0, True)]), np.array([0]), num_sentences=1))
    assert counted(found, "epoch-end", "authors", False) == [0, 49, 2, 0]
    assert counted(found, "epoch-end", "authors", True) == [0, 1, 0, None]
    assert counted(found, "epoch-end", "words", False) == [None] * 4


words = st.tuples(st.integers(-1, 3), st.integers(0, 2), st.booleans())
sentences = st.lists(st.lists(words, min_size=1, max_size=60), min_size=1, max_size=3)


@given(first=sentences)
def test_counts_agree_with_filling_the_grid_cell_by_cell(first: list[list[Word]]) -> None:
    # The other view has the same words the other way round.
    mixed = iter([word for sentence in first for word in sentence][::-1])
    runs = {"minibatch": first, "epoch-end": [[next(mixed) for _ in sentence] for sentence in first]}
    table = pd.concat([events_of([word for s in run for word in s], view) for view, run in runs.items()])
    positions = np.array([position for sentence in first for position in range(len(sentence))])
    found = as_dict(counts(table, positions, len(first)))

    expected = {}
    for view, run in runs.items():
        grid: list[Word] = []
        for sentence in run:
            row: list[Word] = [(0, 0, False), *sentence[:48], (0, 0, False)]
            grid += [*row, *[(-1, 0, False)] * (50 - len(row))]
        for counting, cells in (("words", [word for s in run for word in s]), ("authors", grid)):
            for noisy in {cell[2] for cell in cells}:
                chosen = [cell for cell in cells if cell[2] == noisy]
                forgettable = sum(forgetting > 0 for _, forgetting, _ in chosen)
                learned = sum(epoch >= 0 for epoch, _, _ in chosen)
                place = (view, counting, noisy)
                expected[(*place, "forgettable")] = forgettable
                expected[(*place, "unforgettable")] = len(chosen) - forgettable
                expected[(*place, "learned")] = learned
                if learned:
                    expected[(*place, "ratio")] = forgettable / learned
    assert found == pytest.approx(expected)
