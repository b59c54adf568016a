"""What each metric can be: every table of a study keeps to it, and no metric is without a unit."""

from pathlib import Path

import pandas as pd
import pytest

from settling.analysis.metrics import SHARE, UNITS, bounds, metric_of
from settling.frames import read_frame
from settling.layout import TABLES
from settling.schemas import METRICS
from settling.study import runs_of
from tests.unit.small_study import BASE, SYSTEMS, TREATMENTS, block, spec_of, tables_of

BLOCKS = [block([*TREATMENTS], [0], [0]), block(["clean", "noise-flip-20"], [0, 1], [0, 1], tuple(SYSTEMS))]
# What is measured as a difference of two values.
DIFFERENCES = ("effects", "contrasts")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    tables = tables_of(
        tmp_path_factory.mktemp("results"), runs_of(BLOCKS, TREATMENTS), spec_of(BLOCKS, systems=SYSTEMS)
    )
    return {name: read_frame(Path(tables) / f"{name}.parquet", name) for name in TABLES}


def test_every_metric_of_every_table_has_a_unit(study: dict[str, pd.DataFrame]) -> None:
    found = {
        str(name) for table in study.values() for column in ("metric", "quantity") for name in table.get(column, ())
    }
    assert {"f1", "memorised", "forgettable_ratio", "settling_steps", "starts"} < found
    assert found | {*METRICS} <= {*UNITS}


def test_every_estimate_of_every_table_lies_within_what_its_metric_can_be(study: dict[str, pd.DataFrame]) -> None:
    seen = set()
    for name, table in study.items():
        if "low" not in table:
            continue
        for row in table[table["mean"].notna()].to_dict("records"):
            low, high = bounds(UNITS.get(metric_of(row), SHARE), BASE["epochs"])
            low = low - high if name in DIFFERENCES else low
            values = [row[end] for end in ("low", "mean", "high") if not pd.isna(row[end])]
            assert all(low - 1e-9 <= value <= high + 1e-9 for value in values), (name, row)
            seen |= {name} if len(values) == 3 else set()
    assert seen > {"summary", "curves", "effects", "contrasts", "phases", "forgetting", "detection", "first_learned"}
