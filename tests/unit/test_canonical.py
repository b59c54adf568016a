import hashlib
import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settling.canonical import canonical, digest, generator, seed_of

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
plain_data = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def shuffled(value: Any, rng: random.Random) -> Any:
    """Return the same data with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


@given(plain_data, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count_at_any_depth(value: Any, rng: random.Random) -> None:
    assert canonical(shuffled(value, rng)) == canonical(value)


@given(plain_data)
def test_nothing_is_lost(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [1, {"d": 2, "c": 3}], "a": None}, '{"a":null,"b":[1,{"c":3,"d":2}]}'),
        (1e-4, "0.0001"),
        (0.1 + 0.2, "0.30000000000000004"),
        (3, "3"),
        ("naïve", '"naïve"'),
        (True, "true"),
    ],
)
def test_the_text_of_a_value_is_fixed(value: Any, text: str) -> None:
    assert canonical(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


def test_parts_are_told_apart_by_more_than_their_text() -> None:
    names = [("a", "b"), ("ab",), ("a", ["b"]), ("b", "a"), ("a", "b", None), ("1",), (1,)]
    assert len({digest(*parts) for parts in names}) == len(names)


def test_the_seed_of_a_stream_is_its_hash_whatever_the_machine() -> None:
    first_digits = hashlib.sha256(b'["order",3,17]').hexdigest()[:16]
    assert seed_of("order", 3, 17) == int(first_digits, 16) // 2


@given(st.lists(leaves, max_size=3))
def test_a_seed_fits_a_signed_64_bit_integer(parts: list[Any]) -> None:
    assert 0 <= seed_of(*parts) < 2**63


def test_a_stream_repeats_and_no_two_are_alike() -> None:
    names = [("order", 0, 0), ("order", 0, 1), ("order", 1, 0), ("noise", 0), ("noise label", 0), ("cap", 0)]
    first = np.array([generator(*name).random(4) for name in names])
    again = np.array([generator(*name).random(4) for name in names])
    assert (first == again).all()
    assert len(np.unique(first)) == first.size
