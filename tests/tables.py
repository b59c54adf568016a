"""Tables written by another hand than settling's, which carry the hash of their content all the same."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from settling.tables import CONTENT_KEY, METADATA_KEY, HashingSink


def forged(table: pa.Table, **options: object) -> bytes:
    """Return a table, its schema's metadata kept, as a Parquet file whose hash agrees with its content."""
    file = io.BytesIO()
    sink = HashingSink(file)
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=1 << 30)
        metadata = (table.schema.metadata or {}).get(METADATA_KEY, b"")
        writer.add_key_value_metadata({CONTENT_KEY: sink.content_hash(metadata)})
    return file.getvalue()
