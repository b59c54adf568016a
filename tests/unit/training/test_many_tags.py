"""Data sets of more tags than one byte can number."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from settling.analysis.events import find_events
from settling.data.dataset import download_dataset
from settling.schemas import NARROW_TAGS
from settling.tables import metadata_of, read_table
from settling.training.train import Run, train
from settling.treatments.treat import treat
from tests.conftest import paths_of

TYPES = 140


def test_of_more_than_256_tags_each_is_predicted_and_told_apart(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """FiNER has 279. A tag's number beyond 255 would come out as another tag if it were cut to a byte."""
    words = [f"{kind:03d}" for kind in range(TYPES)]
    for split in ("train", "dev", "test"):
        lines = [f"{word} B-T{word}\nx O\n" for word in words]
        (tmp_path / split).write_text("\n".join(lines))
    files = {split: str(tmp_path / split) for split in ("train", "dev", "test")}
    download_dataset({"source": {"kind": "local", "files": files}}, tmp_path / "data")
    treat(
        {"kind": "flip", "percent": 50, "noise_seed": 0},
        tmp_path / "data" / "train.parquet",
        tmp_path / "treated.parquet",
    )
    spec = {"kind": "bilstm-crf", "epochs": 1, "layers": 1, "hidden_size": 4, "word_size": 4, "character_size": 4}
    run = Run(0, tmp_path / "treated.parquet", tmp_path / "run", tmp_path / "run.state")
    train({**spec, "learning_rate": 0.05, "batch_size": 20}, paths_of(tmp_path / "data"), None, [run])
    dynamics = read_table(run.output / "dynamics.parquet", "dynamics")
    tags = metadata_of(dynamics.schema)["tags"]
    assert len(tags) == 2 * TYPES + 1 > NARROW_TAGS
    assert dynamics.schema.field("predicted").type == pa.uint16()
    find_events(run.output / "dynamics.parquet", tmp_path / "treated.parquet", tmp_path / "events.parquet")
    events = read_table(tmp_path / "events.parquet", "events").to_pandas()
    treated = read_table(tmp_path / "treated.parquet", "treated").to_pandas()
    assert {f"B-T{word}" for word in words} <= set(treated["true_label"].astype(str))
    predicted = np.array(tags)[dynamics["predicted"].to_numpy()]
    given = np.tile(treated["given_label"].astype(str).to_numpy(), 2)
    right = (events["first_learned"] >= 0).to_numpy()
    assert (right == (predicted == given)).all()
