"""The words that the report lists, packed for its table: names once, a row a word and list."""

from typing import Any

import pandas as pd

NAMES = ("dataset", "treatment", "system", "view", "list", "true_label", "given_label", "mistaken_for")
NUMBERS = ("forgetting", "first_learned", "loss")
COLUMNS = (*NAMES, "noise_seed", "rank", "noisy", *NUMBERS, "n", "quote")
DIGITS = 4
LISTS = {
    "most-forgotten": "most often forgotten",
    "first-learned": "first learned",
    "last-learned": "last learned, or never",
    "highest-loss": "highest loss",
}


def content(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return what the page's table of words reads, from the tables `words` and `quotes`.

    `rows` have COLUMNS; those of NAMES are places in `names` (-1: none), `quote` one in `quotes`, whose items are
    sentence, position, before, token, after.
    """
    place = ["dataset", "sentence", "position"]
    quotes = tables["quotes"].reset_index(drop=True)
    shown = tables["words"].merge(quotes[place].assign(quote=quotes.index), on=place, validate="m:1")
    names = sorted({str(name) for column in NAMES for name in shown[column].dropna()})
    place_of = {name: index for index, name in enumerate(names)}
    rows = shown.assign(
        **{column: shown[column].map(place_of).fillna(-1).astype(int) for column in NAMES},
        **{column: shown[column].round(DIGITS) for column in NUMBERS},
        noisy=shown["noisy"].astype(int),
    )
    return {
        "columns": COLUMNS,
        "names": names,
        "lists": [*LISTS.items()],
        "rows": rows[[*COLUMNS]].astype(object).to_numpy().tolist(),
        "quotes": quotes[["sentence", "position", "before", "token", "after"]].astype(object).to_numpy().tolist(),
    }
