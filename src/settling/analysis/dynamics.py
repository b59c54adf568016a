"""A run's dynamics read epoch by epoch, so that a long run takes the memory of one epoch."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from settling.analysis.lineage import check_split
from settling.errors import BadInput
from settling.tables import metadata_of, open_table, read_group, read_table

# Words are dense and in order in every row group.
COLUMNS = ["view", "epoch", "predicted", "loss", "margin"]


class Epoch(NamedTuple):
    """One epoch of a run as one view saw it."""

    view: str
    epoch: int
    right: NDArray[np.bool_]
    """(words,) whether the given label was predicted."""
    loss: NDArray[np.float32]
    """(words,) nats, of the given label."""
    margin: NDArray[np.float32] | None
    """(words,) nats, log-probability of the given label less the greatest other; None where it was not recorded."""
    predicted: NDArray[np.integer]
    """(words,) indices into the tag list."""


def epochs_of(dynamics: Path, treated: Path) -> Iterator[Epoch]:
    """Yield the epochs of a run in the order of its file: view by view, each from epoch 0 on.

    Raises BadInput where the dynamics and the treated training split do not belong together.
    """
    labels = read_table(treated, "treated")
    with open_table(dynamics, "dynamics") as file:
        check_split(dynamics, file.schema_arrow, treated)
        tags = pa.array(metadata_of(file.schema_arrow)["tags"])
        given_label = np.asarray(pc.index_in(labels["given_label"].cast(pa.string()), tags).to_numpy())
        for group in range(file.num_row_groups):
            rows = read_group(dynamics, file, group, COLUMNS)
            if len(rows) != len(labels):
                raise BadInput(f"{dynamics}: {len(rows)} words an epoch; {treated} has {len(labels)}")
            predicted = rows["predicted"].to_numpy()
            yield Epoch(
                rows["view"][0].as_py(),
                rows["epoch"][0].as_py(),
                predicted == given_label,
                rows["loss"].to_numpy(),
                None if rows["margin"].null_count else rows["margin"].to_numpy(),
                predicted,
            )
