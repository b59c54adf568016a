"""The canonical form of a step's parameters, and the hashes and random generators that follow from it."""

import hashlib
import json
from typing import Any

import numpy as np


def canonical(value: Any) -> str:
    """Write plain data as one JSON string: sorted keys, no spaces, shortest exact floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(*parts: Any) -> str:
    """Return the SHA-256 (hex) of the canonical form of `parts`."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def seed_of(*parts: Any) -> int:
    """Return a 63-bit seed for the random stream named by `parts`, such as `("order", 3, 17)`."""
    return int(digest(*parts)[:16], 16) >> 1


def generator(*parts: Any) -> np.random.Generator:
    """Return the NumPy generator of the random stream named by `parts`."""
    return np.random.Generator(np.random.PCG64(seed_of(*parts)))
