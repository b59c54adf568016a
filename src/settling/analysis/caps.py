"""From how many sentences on a capped class is learned (paper section 6, figures 6 and 7); docs/caps.md says why so."""

import pandas as pd

from settling.analysis.estimates import estimate
from settling.analysis.undefined import reasons

# The share of the F1 on clean data from which on a class counts as being learned, and as learned.
SHARES = {"starts": 0.1, "levels": 0.9}

_ARM = ["dataset", "family", "kind", "cap_class", "system"]
_RUN = [*_ARM, "noise_seed", "seed"]


def knees(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of sentences N at which a class `starts` and `levels`, one a row, of capped and control runs.

    From that N of the study on, itself and every larger one, the class's F1 on dev, at the run's best epoch, is
    positive and at least SHARES of what the same system and seed has on clean data. `value` is null where no N does
    it. `measures` follows the schema of that name; an arm without its clean run is left out. Returns the
    columns `dataset`, `family`, `kind`, `cap_class`, `system`, `noise_seed`, `seed`, `largest` (the run's largest N),
    `quantity`, `value`, and `undefined`: null, or why there can be no value where dev has no mention of the class.
    """
    scores = measures[
        (measures["selected_epoch"] == "best")
        & (measures["split"] == "dev")
        & (measures["view"] == "epoch-end")
        & (measures["reference"] == "true")
        & (measures["metric"] == "f1")
    ]
    arms = scores[scores["family"].isin(["cap", "control"]) & (scores["class"] == scores["cap_class"])]
    clean = scores.loc[scores["family"] == "clean", ["dataset", "system", "seed", "class", "value"]]
    points = arms.merge(clean, on=["dataset", "system", "seed", "class"], suffixes=("", "_clean"))
    points["sentences"] = points["cap_sentences"].astype("float64")
    points["largest"] = points.groupby(_RUN)["sentences"].transform("max")
    points["undefined"] = reasons(points)
    run = [*_RUN, "largest", "undefined"]
    tables = []
    for quantity, share in SHARES.items():
        reached = (points["value"] > 0) & (points["value"] >= share * points["value_clean"])
        missed = points["sentences"].where(~reached, -1.0).groupby([points[name] for name in _RUN]).transform("max")
        left = points[run].assign(quantity=quantity, value=points["sentences"].where(points["sentences"] > missed))
        tables.append(left.groupby([*run, "quantity"], dropna=False)["value"].min().reset_index())
    return pd.concat(tables, ignore_index=True)


def cap_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return the mean N over seeds and noise seeds, with its interval, from what `knees` gives: the schema `caps`.

    `n` runs of `runs` have the knee, and the mean is over those; `runs` leaves out those where it is undefined.
    """
    keys = [*_ARM, "quantity"]
    runs = found["undefined"].isna().groupby([found[key] for key in keys]).sum().rename("runs").reset_index()
    return estimate(found, keys).merge(runs, on=keys)
