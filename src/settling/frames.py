"""Tables as pandas, for the steps that aggregate and draw."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from settling.tables import read_table


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as pandas, its dictionary columns as plain strings."""
    kinds = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in table.schema.types]
    frame: pd.DataFrame = table.cast(pa.schema(zip(table.schema.names, kinds, strict=True))).to_pandas()
    return frame


def read_frame(path: Path, name: str) -> pd.DataFrame:
    """Read a file that must follow the schema called `name`; raise BadInput where it does not."""
    return as_frame(read_table(path, name))
