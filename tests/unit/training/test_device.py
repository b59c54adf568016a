"""What a training is computed on, and what it spares."""

import importlib.util
import sys

import pytest

from settling.training.device import unseen


def test_a_package_is_unseen_within_the_context_alone() -> None:
    # A package of Python's own that nothing here needs.
    name = "this"
    assert name not in sys.modules
    with unseen(name), pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)
    assert importlib.util.find_spec(name) is not None
    with unseen("json"):
        assert importlib.import_module("json") is sys.modules["json"] is not None
