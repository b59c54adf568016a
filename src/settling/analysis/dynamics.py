"""Reading a run's dynamics epoch by epoch, so that memory holds one epoch at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from settling.analysis.lineage import check_split
from settling.errors import BadInput
from settling.provenance import sha256
from settling.tables import first_row, metadata_of, open_hashed, read_group, read_table


class Epoch(NamedTuple):
    """What a run recorded of its training words in one epoch and one view."""

    view: str
    epoch: int
    matches_given: NDArray[np.bool_]
    """(words,) whether the given label was predicted."""
    loss: NDArray[np.float32]
    """(words,) loss of the given label, in nats."""
    margin: NDArray[np.float32]
    """(words,) log-probability of the given label minus the greatest of another label, in nats; (0,) if not read."""
    predicted: NDArray[np.integer]
    """(words,) predicted tags, as indices into the tag list."""


class Dynamics(NamedTuple):
    """The open dynamics of a run and its training split, with their files' paths and SHA-256 (hex) by role."""

    file: pq.ParquetFile
    labels: pa.Table
    given_label: NDArray[np.integer]
    """(words,) indices into the tag list."""
    paths: dict[str, Path]
    hashes: dict[str, str]

    def epochs(self, with_margin: bool) -> Iterator[Epoch]:
        """Yield the epochs in the order of the file, view by view, from epoch 0 on, and close it.

        Raises BadInput where an epoch has not as many words as the training split.
        """
        path = self.paths["dynamics"]
        # The column `word` need not be read: every row group holds all words in order, of one view and epoch.
        columns = ["predicted", "loss", *(["margin"] if with_margin else [])]
        # Labels are compared in the type of the predicted ones: as bytes, many at a time.
        given_label = self.given_label.astype(self.file.schema_arrow.field("predicted").type.to_pandas_dtype())
        with self.file as file:
            for group in range(file.num_row_groups):
                rows = read_group(path, file, group, columns)
                if (found := len(rows)) != len(self.labels):
                    raise BadInput(f"{path}: {found} words an epoch; {self.paths['treated']} has {len(self.labels)}")
                predicted = rows["predicted"].to_numpy()
                yield Epoch(
                    **first_row(path, file, group, ["view", "epoch"]),
                    matches_given=predicted == given_label,
                    loss=rows["loss"].to_numpy(),
                    margin=rows["margin"].to_numpy() if with_margin else np.empty(0, dtype=np.float32),
                    predicted=predicted,
                )


def open_dynamics(dynamics: Path, treated: Path) -> Dynamics:
    """Open the dynamics of a run, and read its training split; raise BadInput where they do not belong together."""
    paths = {"dynamics": dynamics, "treated": treated}
    labels = read_table(treated, "treated")
    file, dynamics_hash = open_hashed(dynamics, "dynamics")
    hashes = {"dynamics": dynamics_hash, "treated": sha256(treated)}
    check_split(dynamics, file.schema_arrow, treated, hashes["treated"])
    given_label = pc.index_in(labels["given_label"].cast(pa.string()), pa.array(metadata_of(file.schema_arrow)["tags"]))
    if given_label.null_count:
        raise BadInput(f"{dynamics}: the tags of its metadata lack a given label of {treated}")
    return Dynamics(file, labels, given_label.to_numpy(), paths, hashes)
