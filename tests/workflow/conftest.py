"""What both files of tests take of the study that each finishes in its own way, `finished`."""

import copy
from typing import Any

import pytest

from tests.workflow.checkout import Checkout


@pytest.fixture
def checkout(finished: tuple[Checkout, dict[str, Any]]) -> Checkout:
    return finished[0]


@pytest.fixture
def study(finished: tuple[Checkout, dict[str, Any]]) -> dict[str, Any]:
    return copy.deepcopy(finished[1])
