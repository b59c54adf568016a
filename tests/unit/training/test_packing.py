"""Packed rows lose no window, hold little padding, and leave every model that takes them as it is."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForTokenClassification

from settling.systems.encoder_model import PACKED, at_first_subwords, first_position
from settling.systems.windows import WIDEST, Rows, Window, Windows, flat, pack

VOCABULARY = 40


def windows_of(lengths: list[int], seed: int = 0) -> list[Window]:
    """Return windows of so many random pieces, each piece the head of a word."""
    rng, start, windows = np.random.default_rng(seed), 0, []
    for length in lengths:
        words = np.arange(start, start + length)
        windows.append(Window(rng.integers(5, VOCABULARY, length), np.arange(length), words))
        start += length
    return windows


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80).map(sorted), st.integers(60, 90))
def test_each_window_is_packed_once_and_no_row_is_longer_than_the_model_takes(
    lengths: list[int], max_width: int
) -> None:
    rows, width = pack(windows_of(lengths), max_width)
    assert sorted(len(window.ids) for row in rows for window in row) == lengths
    filled = [sum(len(window.ids) for window in row) for row in rows]
    assert lengths[-1] == len(rows[0][0].ids) <= max(filled) <= width <= min(max_width, WIDEST * lengths[-1])
    # First fit leaves at most one row half empty.
    assert sum(2 * size <= width for size in filled) <= 1


def test_of_sentences_as_long_as_real_ones_next_to_none_of_a_packed_batch_is_padding() -> None:
    lengths = np.random.default_rng(0).gamma(2.0, 10.0, (100, 32)).astype(int) + 3
    packed = [pack(windows_of(sorted(batch)), 512) for batch in lengths.tolist()]
    sizes = [len(rows) * width for rows, width in packed]
    assert np.mean(lengths.sum(1) / sizes) > 0.97


def test_a_batch_is_laid_out_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out: list[int] = []
    monkeypatch.setattr(Windows, "_laid_out", lambda self, sentences: laid_out.extend(sentences))
    cut = flat([window] for window in windows_of([3, 4, 5, 6]))
    batches = Windows(cut, np.zeros(18, dtype=np.uint16), 1, 0, 70, torch.device("cpu")).batches(np.arange(4), 2)
    for expected in ([], [0, 1], [0, 1, 2, 3]):
        assert laid_out == expected
        next(batches, None)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), max_size=9))
def test_flat_arrays_give_each_sentence_its_windows(lengths: list[list[int]]) -> None:
    windows = iter(windows_of([length for of in lengths for length in of]))
    of_sentence = [[next(windows) for _ in of] for of in lengths]
    cut = flat(of_sentence)
    assert cut.ids.itemsize == 4
    for sentence, expected in enumerate(of_sentence):
        for found, window in zip(cut.windows(sentence), expected, strict=True):
            for one, other in zip(vars(found).values(), vars(window).values(), strict=True):
                assert one.tolist() == other.tolist()


@pytest.mark.parametrize("model_type", sorted(PACKED))
def test_a_packed_window_is_predicted_as_it_is_alone(model_type: str) -> None:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    small = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32} if model_type == "distilbert" else shape
    options: dict[str, Any] = {"vocab_size": VOCABULARY, "max_position_embeddings": 70, "pad_token_id": 1, **small}
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_config(AutoConfig.for_model(model_type, **options)).eval()
    # Far from where it starts, so that a wrong position or mask shows.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.5)
    windows = windows_of([3, 9, 4, 30, 11, 2, 17])
    given_labels = np.zeros(sum(len(window.ids) for window in windows), dtype=np.uint8)
    cut = flat([window] for window in windows)
    packed = Windows(cut, given_labels, 1, first_position(model), 70, torch.device("cpu"))
    ((rows,),) = packed.batches(np.arange(7), 7)
    assert isinstance(rows, Rows)
    assert len(rows.ids) < 5
    with torch.no_grad():
        outputs = torch.zeros(len(given_labels), 2)
        outputs[rows.words] = at_first_subwords(model, rows, truncate=False)
        for window in windows:
            alone = model(input_ids=torch.from_numpy(window.ids)[None]).logits[0]
            torch.testing.assert_close(outputs[torch.from_numpy(window.words)], alone, rtol=1e-4, atol=1e-4)
