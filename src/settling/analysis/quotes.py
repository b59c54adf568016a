"""The quote stage: look up the text of the words that stand out, with the sentence around each, in the data sets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from settling.files import provenance, read_table, rows_of, starts_of, write_csv, write_table
from settling.frames import read_frame
from settling.schemas import SCHEMAS

WORD = ["dataset", "sentence", "position"]


def quote(tables: Path, data: Path, output: Path) -> None:
    """Write quotes.parquet and quotes.csv to the folder `output`, for the words in words.parquet of `tables`.

    `tables` is the folder of the study's tables; `data` has a folder for each data set. Raises BadInput for a missing
    or foreign file.
    """
    words = read_frame(tables / "words.parquet", "words")[WORD].drop_duplicates().sort_values(WORD)
    paths = {str(name): data / str(name) / "train.parquet" for name in words["dataset"].unique()}
    table = pd.concat(
        [quotes(words[words["dataset"] == name], read_table(path, "data")) for name, path in paths.items()]
    )
    columns = {name: table[name].to_numpy() for name in SCHEMAS["quotes"].names}
    origin = provenance("quote", None, {"words": tables / "words.parquet", **paths})
    write_table(output / "quotes.parquet", "quotes", columns, origin)
    write_csv(output / "quotes.csv", read_table(output / "quotes.parquet", "quotes"))


def quotes(words: pd.DataFrame, train: pa.Table) -> pd.DataFrame:
    """Return the words with their text (`token`) and the text `before` and `after` them in their sentence.

    `train` is the training split of their data set (schema `data`).
    """
    tokens, starts = train["token"].to_pylist(), starts_of(train)
    rows = rows_of(train, pa.Table.from_pandas(words[["sentence", "position"]]))
    sentence = np.searchsorted(starts, rows, side="right") - 1
    return words.assign(
        before=[" ".join(tokens[start:row]) for start, row in zip(starts[sentence], rows, strict=True)],
        token=[tokens[row] for row in rows],
        after=[" ".join(tokens[row + 1 : end]) for row, end in zip(rows, starts[sentence + 1], strict=True)],
    )
