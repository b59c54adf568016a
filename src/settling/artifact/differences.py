"""How files of an artifact differ from the same files made anew: texts by their bytes, tables value by value."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settling.tables import read_table

# Another machine adds numbers up in another order: relative differences below these are none.
TOLERANCE = {pa.float32(): 1e-5, pa.float64(): 1e-9}


def texts(folder: Path, scratch: Path, names: list[str]) -> tuple[str, ...]:
    """Return which texts are not as made anew."""
    return tuple(
        f"{name}: not what the tables give"
        for name in names
        if (folder / name).read_bytes() != (scratch / name).read_bytes()
    )


def compared(folder: Path, scratch: Path, tables: list[tuple[str, str]]) -> Iterator[str]:
    """Yield where tables, by name and schema, are not as made anew."""
    for name, schema in tables:
        found = difference(read_table(folder / name, schema), read_table(scratch / name, schema))
        if found:
            yield f"{name}: {found}"


def difference(found: pa.Table, expected: pa.Table) -> str | None:
    """Return where two tables of one schema first differ; floats may by their `TOLERANCE`."""
    if len(found) != len(expected):
        return f"{len(found)} rows; made anew it has {len(expected)}"
    for field in found.schema:
        ours, theirs = found[field.name], expected[field.name]
        if pa.types.is_dictionary(field.type):
            ours, theirs = (column.cast(field.type.value_type) for column in (ours, theirs))
        if field.type in TOLERANCE:
            near = np.isclose(ours.to_numpy(), theirs.to_numpy(), rtol=TOLERANCE[field.type], atol=0, equal_nan=True)
            same = pa.array(near)
        else:
            both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
            same = pc.or_(pc.fill_null(pc.equal(ours, theirs), False), both_null)
        row = pc.index(same, False).as_py()
        if row >= 0:
            return f"row {row + 1}, {field.name}: found {ours[row]}; made anew it is {theirs[row]}"
    return None
