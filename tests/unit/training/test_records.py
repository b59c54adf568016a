"""What a run writes of its scores."""

from pathlib import Path

import numpy as np

from settling.data.split import Split
from settling.tables import read_table
from settling.training.records import Observation, Scorer, write_scores

TAGS = ("O", "B-LOC", "B-RARE")


def test_scores_of_a_class_that_a_split_does_not_mention_are_null_in_the_file(tmp_path: Path) -> None:
    labels = np.array([1, 0], dtype=np.uint8)
    split = Split(["paris", "is"], np.array([0, 2]), labels, labels, TAGS)
    seen = Observation(np.array([1, 2], dtype=np.uint8), np.ones(2, dtype=np.float32), np.ones(2, dtype=np.float32))
    write_scores(tmp_path / "scores.parquet", Scorer("dev", split).rows(0, "epoch-end", seen), {})
    values = {(row["class"], row["metric"]): row["value"] for row in rows_of(tmp_path / "scores.parquet")}
    assert {values["RARE", metric] for metric in ("precision", "recall", "f1")} == {None}
    assert values["RARE", "support"] == 0
    assert (values["LOC", "f1"], values["all", "precision"]) == (1, 0.5)


def rows_of(path: Path) -> list[dict[str, object]]:
    return list(read_table(path, "scores").to_pylist())
