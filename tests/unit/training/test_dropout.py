"""Dropout by positions: its rate, its independence, and that all of torch's dropout on a CPU goes through it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from settling.training.dropout import SparseDropout, attention, dropout, dropped_positions

COUNT = 1_000_000
# A normal variable is farther out once in 15,000 times; the draws are seeded, so this never changes.
FAR = 4.0


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_each_element_is_dropped_at_the_rate_and_independently_of_others(p: float) -> None:
    torch.manual_seed(1)
    is_dropped = np.zeros(COUNT)
    is_dropped[dropped_positions(COUNT, p).numpy()] = 1
    assert abs(is_dropped.mean() - p) < FAR * np.sqrt(p * (1 - p) / COUNT)
    for lag in (1, 2, 3, 10, 384):
        assert abs(np.corrcoef(is_dropped[:-lag], is_dropped[lag:])[0, 1]) < FAR / np.sqrt(COUNT)


def test_how_many_of_a_few_are_dropped_is_binomial() -> None:
    torch.manual_seed(2)
    found = np.bincount([len(dropped_positions(3, 0.4)) for _ in range(20_000)], minlength=4) / 20_000
    expected = np.array([0.6**3, 3 * 0.4 * 0.6**2, 3 * 0.4**2 * 0.6, 0.4**3])
    assert (np.abs(found - expected) < FAR * np.sqrt(expected * (1 - expected) / 20_000)).all()


def test_the_positions_come_in_order_and_follow_from_the_seed() -> None:
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(dropped_positions(1000, 0.3).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(set(drawn[0]))
    assert drawn[0][0] >= 0
    assert drawn[0][-1] < 1000


def test_what_stays_is_scaled_and_its_gradient_too() -> None:
    torch.manual_seed(5)
    values = torch.arange(1.0, 101.0, requires_grad=True)
    result = dropout(values, 0.2)
    result.sum().backward()
    scale = torch.where(result == 0, 0.0, 1.25)
    assert 0 < (result == 0).sum() < 100
    torch.testing.assert_close(result, values * scale)
    torch.testing.assert_close(values.grad, scale)


def test_the_positions_are_those_of_the_elements_in_order_however_they_lie_in_memory() -> None:
    values = torch.randn(40, 30)
    results = []
    for laid_out in (values, values.T.contiguous().T):
        torch.manual_seed(8)
        leaf = laid_out.requires_grad_()
        result = dropout(leaf, 0.3)
        (gradient,) = torch.autograd.grad(result.T.contiguous().sum(), leaf)
        assert torch.equal(gradient == 0, result == 0)
        results.append(result)
    assert torch.equal(*results)


def kept_for_the_backward_pass(what: Callable[[], torch.Tensor]) -> int:
    """Return the bytes that autograd keeps of what is computed, those of one storage once."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = what()
    assert result.requires_grad
    return sum(kept.values())


def test_the_backward_pass_keeps_what_fell_out_and_no_mask() -> None:
    values = torch.randn(100, 100, requires_grad=True)
    assert 0 < kept_for_the_backward_pass(lambda: dropout(values, 0.1)) < values.nbytes / 4
    query = key = value = torch.randn(1, 1, 100, 4, requires_grad=True)
    # Scaled queries, keys, values, the weights once, and what fell out of them.
    most = 3 * value.nbytes + 100 * 100 * 4 * 1.3
    assert 0 < kept_for_the_backward_pass(lambda: attention(query, key, value, dropout_p=0.1)) < most


def test_attention_and_its_gradients_are_those_of_a_mask() -> None:
    torch.manual_seed(9)
    inputs = [torch.randn(2, 4, 7, 8, requires_grad=True) for _ in range(3)]
    upstream = torch.randn(2, 4, 7, 8)
    torch.manual_seed(10)
    found = attention(*inputs, dropout_p=0.3)
    torch.manual_seed(10)
    mask = dropout(torch.ones(2, 4, 7, 7), 0.3)
    query, key, value = inputs
    expected = ((query @ key.mT / 8**0.5).softmax(-1) * mask) @ value
    torch.testing.assert_close(found, expected)
    for one, other in zip(
        *(torch.autograd.grad(result, inputs, upstream) for result in (found, expected)), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.5, False)])
def test_nothing_is_dropped_in_evaluation_or_at_rate_0(p: float, training: bool) -> None:
    values = torch.randn(50)
    assert torch.equal(dropout(values, p, training), values)


def test_all_is_dropped_at_rate_1() -> None:
    assert not dropout(torch.randn(50), 1.0).any()
    assert not attention(*torch.randn(3, 1, 1, 5, 4), dropout_p=1.0).any()


@pytest.mark.parametrize("kind", ["none", "bool", "float"])
def test_attention_is_torch_s_but_for_what_falls_out(kind: str) -> None:
    torch.manual_seed(6)
    query, key, value = torch.randn(3, 2, 4, 7, 8)
    apart = torch.rand(2, 1, 7, 7) < 0.3
    apart[..., 0] = False
    mask = {"none": None, "bool": ~apart, "float": torch.zeros(2, 1, 7, 7).masked_fill(apart, -1e9)}[kind]
    expected = functional.scaled_dot_product_attention(query, key, value, mask)
    few = attention(query, key, value, mask, dropout_p=1e-9)
    torch.testing.assert_close(few, expected)
    mean = torch.stack([attention(query, key, value, mask, dropout_p=0.2) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, expected, atol=0.05, rtol=0)


def test_within_the_context_modules_and_attention_drop_by_positions() -> None:
    layer = torch.nn.Dropout(0.3)
    values = torch.ones(1000)
    torch.manual_seed(7)
    with SparseDropout():
        result = layer(values)
        query = key = value = torch.ones(1, 1, 3, 2)
        attended = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.5)
    torch.manual_seed(7)
    assert torch.equal(result, dropout(values, 0.3))
    assert torch.equal(attended, attention(query, key, value, dropout_p=0.5))
