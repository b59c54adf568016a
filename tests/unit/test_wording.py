"""The numbers of sentences and tables: as many decimals as an interval supports, the same everywhere."""

from typing import Any

import pandas as pd
import pytest

from settling.analysis.wording import in_words, labels_in_words, numbers


def row(
    mean: float, low: float | None = None, high: float | None = None, n: int = 3, **columns: Any
) -> "pd.Series[Any]":
    return pd.Series({**columns, "mean": mean, "low": low, "high": high, "n": n}, dtype=object)


@pytest.mark.parametrize(
    ("estimate", "shown"),
    [
        (row(0.70123, 0.6, 0.8, metric="f1"), ("0.70", "[0.60, 0.80]")),
        (row(0.70123, 0.6971, 0.7053, metric="f1"), ("0.701", "[0.697, 0.705]")),
        (row(0.70123, 0.6961, 0.7063, metric="f1"), ("0.70", "[0.70, 0.71]")),
        (row(0.70123, 0.7, 0.7, metric="f1"), ("0.70", "[0.70, 0.70]")),
        (row(0.70123, 0.7009, 0.7013, n=2, metric="f1"), ("0.70", "[0.70, 0.70]")),
        (row(0.70123, n=1, metric="f1"), ("0.70", "")),
        (row(14.5, 14.0, 15.0, n=2, unit="epochs", quantity="settling_epochs"), ("14.5", "[14.0, 15.0]")),
        (row(14.5, 14.48, 14.52, metric="settling_epochs"), ("14.50", "[14.48, 14.52]")),
        (row(1234.5, 1100, 1300, metric="forgettable"), ("1,234", "[1,100, 1,300]")),
        (row(0.012, 0.008, 0.014, unit="epochs per percent"), ("0.012", "[0.008, 0.014]")),
        (row(0.5, 0.4, 0.6, unit=None), ("0.50", "[0.40, 0.60]")),
    ],
)
def test_decimals_are_those_of_the_unit_and_one_more_where_the_interval_of_three_runs_is_narrow(
    estimate: "pd.Series[Any]", shown: tuple[str, str]
) -> None:
    assert numbers(estimate) == shown


def test_no_number_from_two_runs_has_four_digits() -> None:
    for mean, unit in ((1 / 3, "share"), (2 / 3, "difference of shares"), (14 + 1 / 3, "epochs")):
        for half in (0.0, 1e-5, 1e-3, 0.1, 5.0):
            said = numbers(row(mean, mean - half, mean + half, n=2, unit=unit))[0]
            assert len(said.replace(".", "")) < 4, (unit, half)


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert numbers(row(-0.001, -0.3, 0.2)) == ("0.00", "[-0.30, 0.20]")
    assert in_words(row(-0.001, -0.3, 0.2), signed=True) == "+0.00 [-0.30, +0.20] (n=3)"


def test_a_share_in_percent_has_no_more_digits_than_the_share() -> None:
    assert numbers(row(0.1234, 0.1, 0.2), percent=True) == ("12", "[10, 20]")
    assert numbers(row(0.1234, 0.121, 0.125), percent=True) == ("12.3", "[12.1, 12.5]")


@pytest.mark.parametrize(
    ("family", "own", "labels"),
    [("clean", True, "labels of the file"), ("noise", True, "true labels"), ("clean", False, "true labels")],
)
def test_a_users_own_labels_are_true_only_beside_wrong_ones(family: str, own: bool, labels: str) -> None:
    tables = {"datasets": pd.DataFrame({"own": [own, own]}), "treatments": pd.DataFrame({"family": ["clean", family]})}
    assert labels_in_words(tables) == {"true": labels, "given": "given labels"}
    mixed = {**tables, "datasets": pd.DataFrame({"own": [own, False]})}
    assert labels_in_words(mixed)["true"] == "true labels"
