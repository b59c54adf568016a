"""How many sentences of a class suffice for it to be learned (paper section 6, figures 6 and 7).

docs/caps.md gives the reasons for the rule.
"""

import pandas as pd

from settling.analysis.estimates import estimate
from settling.analysis.undefined import reasons

# The share of the F1 on clean data that a class must reach to count as starting to be learned, and as levelling off.
SHARES_OF_CLEAN_F1 = {"starts": 0.1, "levels": 0.9}

_ARM = ["dataset", "family", "kind", "cap_class", "system"]
_RUN = [*_ARM, "noise_seed", "seed"]


def class_thresholds(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of sentences N at which a class `starts` to be learned and `levels` off, run by run.

    The threshold is the smallest N of the study for which the following holds, and holds for every larger N too: the
    class's F1 on dev, at the run's best epoch, is positive and at least SHARES_OF_CLEAN_F1 of the F1 that the same
    system and seed has on clean data. `measures` follows the schema of that name. Capped and control runs count; those
    without a clean run of the same system and seed are left out.

    A row is a run and a `quantity` (`starts` or `levels`). The columns are `dataset`, `family`, `kind`, `cap_class`,
    `system`, `noise_seed`, `seed`, `largest` (the run's largest N), `quantity`, `value` (the threshold, null where no N
    meets the condition) and `undefined` (the reason where dev has no mention of the class, else null).
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
    for quantity, share in SHARES_OF_CLEAN_F1.items():
        reached = (points["value"] > 0) & (points["value"] >= share * points["value_clean"])
        missed = points["sentences"].where(~reached, -1.0).groupby([points[name] for name in _RUN]).transform("max")
        above = points[run].assign(quantity=quantity, value=points["sentences"].where(points["sentences"] > missed))
        tables.append(above.groupby([*run, "quantity"], dropna=False)["value"].min().reset_index())
    return pd.concat(tables, ignore_index=True)


def cap_table(thresholds: pd.DataFrame) -> pd.DataFrame:
    """Return the table `caps`: the mean threshold over seeds and noise seeds, with its interval.

    `thresholds` is what `class_thresholds` returns. `runs` counts the runs whose threshold is not undefined, and `n`
    those of them that have one; the mean is over the latter.
    """
    keys = [*_ARM, "quantity"]
    runs = thresholds["undefined"].isna().groupby([thresholds[key] for key in keys]).sum().rename("runs").reset_index()
    return estimate(thresholds, keys).merge(runs, on=keys)
