"""Dropout on a CPU, for every model alike: the positions that fall out are drawn, not a number for each element.

The gap between two dropped elements is geometric, so a rate of 0.1 takes a tenth of the random numbers. They come
from torch's global generator, which the training loop seeds at each step. On a GPU torch's own dropout is cheap.
"""

from collections.abc import Callable, Mapping, Sequence
from math import log1p, sqrt
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class SparseDropout(TorchFunctionMode):
    """Within this context, `torch.nn.functional.dropout` and the dropout of attention draw positions."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        _: Any,
        arguments: Sequence[Any] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        """Take the place of the two functions that drop; leave every other one as it is."""
        if function is functional.dropout:
            return dropout(*arguments, **named or {})
        if function is functional.scaled_dot_product_attention:
            return attention(*arguments, **named or {})
        return function(*arguments, **named or {})


def dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """Return `input` with each element dropped with probability `p`, the others scaled by 1 / (1 - p).

    The signature is that of `torch.nn.functional.dropout`; the result is always a new tensor.
    """
    if not training or not p:
        return input
    if p == 1:
        return torch.zeros_like(input)
    dropped: torch.Tensor = Dropout.apply(input, p)
    return dropped


class Dropout(torch.autograd.Function):
    """Keeps for the backward pass where elements fell out, a fifth of what a mask would take at a rate of 0.1."""

    @staticmethod
    def forward(context: Any, input: torch.Tensor, p: float) -> torch.Tensor:
        """Drop elements of `input`, each with probability 0 < `p` < 1."""
        context.p = p
        positions = dropped_positions(input.numel(), p)
        context.save_for_backward(positions)
        return without(input, positions, p)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient of the input."""
        (positions,) = context.saved_tensors
        return without(gradient, positions, context.p), None


class DroppedProduct(torch.autograd.Function):
    """dropout(weights) @ value: it keeps `weights`, as their softmax does, and drops anew in the backward pass."""

    @staticmethod
    def forward(context: Any, weights: torch.Tensor, value: torch.Tensor, p: float) -> torch.Tensor:
        """Drop elements of `weights`, each with probability 0 < `p` < 1, and multiply."""
        context.p = p
        positions = dropped_positions(weights.numel(), p)
        context.save_for_backward(weights, value, positions)
        return without(weights, positions, p) @ value

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Return the gradients of `weights` and `value`."""
        weights, value, positions = context.saved_tensors
        of_weights = without(gradient @ value.mT, positions, context.p)
        return of_weights, without(weights, positions, context.p).mT @ gradient, None


def without(tensor: torch.Tensor, positions: torch.Tensor, p: float) -> torch.Tensor:
    """Return `tensor` scaled by 1 / (1 - `p`), with 0 at `positions` of its elements in order."""
    scaled = (tensor * (1 / (1 - p))).contiguous()
    scaled.view(-1).index_fill_(0, positions, 0)
    return scaled


def dropped_positions(count: int, p: float) -> torch.Tensor:
    """Return, in order, the positions below `count` that fall out, each with probability 0 < `p` < 1.

    log(u) / log(1 - p), rounded down, is geometric where u is uniform over (0, 1]: so many elements are kept before
    the next one is dropped (Devroye 1986, Non-Uniform Random Variate Generation, section X.2).
    """
    # Eight standard deviations more than are expected: a second round is next to never needed.
    size = int(count * p + 8 * sqrt(count * p)) + 8
    rounds = [torch.full((1,), -1)]
    while rounds[-1][-1] < count:
        # Two numbers of 24 bits, as many as a float32 holds, from each draw of 63.
        bits = torch.empty(size // 2, dtype=torch.int64).random_().view(torch.int32) & 0xFFFFFF
        kept = (bits.float().add_(1).mul_(2**-24).log_().mul_(1 / log1p(-p))).long()
        rounds.append(kept.add_(1).cumsum_(0).add_(rounds[-1][-1]))
    positions = torch.cat(rounds[1:])
    return positions[: torch.searchsorted(positions, count)]


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """Return softmax(query key' scale + mask) value, with dropout on the softmax.

    The signature is that of `torch.nn.functional.scaled_dot_product_attention`, which does what needs no dropout.
    """
    if not 0 < dropout_p < 1 or is_causal or enable_gqa:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    with torch.autocast("cpu", enabled=False):
        scores = query * (query.shape[-1] ** -0.5 if scale is None else scale) @ key.transpose(-2, -1)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
        elif attn_mask is not None:
            scores += attn_mask
        product: torch.Tensor = DroppedProduct.apply(scores.softmax(-1), value, dropout_p)
        return product
