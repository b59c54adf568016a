"""The words that the report lists: a row for each word and list, in which numbers stand for names."""

from typing import Any

import pandas as pd

from settling.report.explorer import DIGITS

NAME_COLUMNS = ("dataset", "treatment", "system", "view", "list", "true_label", "given_label", "mistaken_for")
NUMBER_COLUMNS = ("forgetting", "first_learned", "loss")
WORD_COLUMNS = (*NAME_COLUMNS, "noise_seed", "rank", "noisy", *NUMBER_COLUMNS, "n", "quote")
LIST_NAMES = {
    "most-forgotten": "most often forgotten",
    "first-learned": "first learned",
    "last-learned": "last learned, or never",
    "highest-loss": "highest loss",
}


def content(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return the data of the page's table of words, from the tables `words` and `quotes`.

    An item of `rows` has the values of WORD_COLUMNS. Those of NAME_COLUMNS are indices into `names` (-1: none), and
    `quote` is an index into `quotes`, whose items are sentence, position, before, token and after.
    """
    word = ["dataset", "sentence", "position"]
    quotes = tables["quotes"].reset_index(drop=True)
    listed_words = tables["words"].merge(quotes[word].assign(quote=quotes.index), on=word, validate="m:1")
    names = sorted({str(name) for column in NAME_COLUMNS for name in listed_words[column].dropna()})
    index_of = {name: index for index, name in enumerate(names)}
    rows = listed_words.assign(
        **{column: listed_words[column].map(index_of).fillna(-1).astype(int) for column in NAME_COLUMNS},
        **{column: listed_words[column].round(DIGITS) for column in NUMBER_COLUMNS},
        noisy=listed_words["noisy"].astype(int),
    )
    return {
        "columns": WORD_COLUMNS,
        "names": names,
        "lists": [*LIST_NAMES.items()],
        "rows": rows[[*WORD_COLUMNS]].astype(object).to_numpy().tolist(),
        "quotes": quotes[["sentence", "position", "before", "token", "after"]].astype(object).to_numpy().tolist(),
    }
