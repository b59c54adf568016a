"""The quote stage: the text of the words that stand out, each in its sentence, out of the data sets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from settling.frames import read_frame
from settling.provenance import provenance
from settling.schemas import SCHEMAS
from settling.tables import read_table, rows_of, starts_of, write_csv, write_table

WORD = ["dataset", "sentence", "position"]


def quote(tables: Path, data: Path, output: Path) -> None:
    """Write quotes.parquet and quotes.csv to the folder `output`, for the words in `tables`/words.parquet.

    `data` holds the data sets, a folder each. Raises BadInput for a missing or foreign file.
    """
    words = read_frame(tables / "words.parquet", "words")[WORD].drop_duplicates().sort_values(WORD)
    paths = {str(name): data / str(name) / "train.parquet" for name in words["dataset"].unique()}
    found = pd.concat([quotes(words[words["dataset"] == name], path) for name, path in paths.items()])
    columns = {name: found[name].to_numpy() for name in SCHEMAS["quotes"].names}
    made = provenance("quote", None, {"words": tables / "words.parquet", **paths})
    write_table(output / "quotes.parquet", "quotes", columns, made)
    write_csv(output / "quotes.csv", read_table(output / "quotes.parquet", "quotes"))


def quotes(words: pd.DataFrame, train: Path) -> pd.DataFrame:
    """Return the words, which are of one data set, with their text and that of the sentence around them."""
    source = read_table(train, "data")
    tokens, starts = source["token"].to_pylist(), starts_of(source)
    rows = rows_of(source, pa.Table.from_pandas(words[["sentence", "position"]]))
    sentence = np.searchsorted(starts, rows, side="right") - 1
    return words.assign(
        before=[" ".join(tokens[start:row]) for start, row in zip(starts[sentence], rows, strict=True)],
        token=[tokens[row] for row in rows],
        after=[" ".join(tokens[row + 1 : end]) for row, end in zip(rows, starts[sentence + 1], strict=True)],
    )
