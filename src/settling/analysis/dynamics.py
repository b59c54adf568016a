"""Reading a run's dynamics epoch by epoch, so that memory holds one epoch at a time."""

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

# The column `word` need not be read: every row group holds all words in order.
COLUMNS_READ = ["view", "epoch", "predicted", "loss", "margin"]


class Epoch(NamedTuple):
    """What a run recorded of its training words in one epoch and one view."""

    view: str
    epoch: int
    matches_given: NDArray[np.bool_]
    """(words,) whether the given label was predicted."""
    loss: NDArray[np.float32]
    """(words,) loss of the given label, in nats."""
    margin: NDArray[np.float32]
    """(words,) log-probability of the given label minus the greatest of another label, in nats."""
    predicted: NDArray[np.integer]
    """(words,) predicted tags, as indices into the tag list."""


def epochs_of(dynamics: Path, treated: Path) -> Iterator[Epoch]:
    """Yield the epochs of a run in the order of the file `dynamics`: view by view, from epoch 0 on.

    `treated` is the file of the training split. Raises BadInput where the two files do not belong together.
    """
    labels = read_table(treated, "treated")
    with open_table(dynamics, "dynamics") as file:
        check_split(dynamics, file.schema_arrow, treated)
        tags = pa.array(metadata_of(file.schema_arrow)["tags"])
        given_label = np.asarray(pc.index_in(labels["given_label"].cast(pa.string()), tags).to_numpy())
        for group in range(file.num_row_groups):
            rows = read_group(dynamics, file, group, COLUMNS_READ)
            if len(rows) != len(labels):
                raise BadInput(f"{dynamics}: {len(rows)} words an epoch; {treated} has {len(labels)}")
            predicted = rows["predicted"].to_numpy()
            yield Epoch(
                rows["view"][0].as_py(),
                rows["epoch"][0].as_py(),
                predicted == given_label,
                rows["loss"].to_numpy(),
                rows["margin"].to_numpy(),
                predicted,
            )
