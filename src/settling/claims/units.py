"""The values that a claim is tested on: one for each run or pair of runs, or a slope for each seed and noise seed."""

from typing import Any

import numpy as np
import pandas as pd

from settling.analysis.metrics import UNITS, bounds
from settling.analysis.rows import noise_names, one_view
from settling.analysis.undefined import reasons
from settling.claims.claim import CAPPED, TABLE_COLUMNS, Claim, Where
from settling.errors import BadInput
from settling.treatments import kind_of

# These columns all describe the treatment. If `against` filters by one of them, it replaces the filters on all of them.
TREATMENT_COLUMNS = ("treatment", "family", "kind", "percent", "cap_class", "cap_sentences")
UNIT = ["noise_seed", "seed"]
# What is weighted where a slope is taken.
SLOPE = ["value", "lowest", "highest", "weight"]


def units(claim: Claim, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the values that a claim's statistic is taken over.

    A row is a run, a pair of runs, or the least-squares slope over the levels of one seed and noise seed. Its columns
    are those of `groups`, `noise_seed`, `seed`, `value`, `undefined` (the reason where there can be no value, else
    null), `lowest` and `highest` (the ends of what the value can be), and `weight`. A value is a weighted sum of
    measured values; `weight` is the sum of the squares of these weights. `tables` has the claim's table and `systems`.
    Raises BadInput, naming the claim, if a group has two rows for one seed and noise seed.
    """
    rows = matching_rows(claim, claim.where, tables)
    if claim.against is None:
        values = rows.assign(against=None, weight=1.0)
    else:
        values = pair_differences(claim, rows, matching_rows(claim, other_side(claim), tables), tables["systems"])
    values = in_one_view(values, claim)
    if "percent" in (*claim.by, claim.over):
        # Two noises of one kind, such as two files of labels, may have the same level.
        values = values.assign(kind=noise_names(values))
    within = [*groups(claim), *UNIT, *([claim.over] if claim.over else [])]
    repeated = values[values.duplicated(within, keep=False)]
    if len(repeated):
        _, first = next(iter(repeated.groupby(within, dropna=False)))
        differ = [name for name in TABLE_COLUMNS[claim.table].names if name != "value" and first[name].nunique() > 1]
        run = ", ".join(f"{name} {first[name].iloc[0]}" for name in ("dataset", "system", "seed"))
        raise BadInput(
            f"claim {claim.id}: {len(first)} rows of the table {claim.table} for {run}, which differ in "
            f"{' and '.join(differ) or 'nothing'}; expected one: narrow where, or add to by"
        )
    return slopes(claim, values) if claim.over else values


def groups(claim: Claim) -> list[str]:
    """Return the columns that define a claim's groups; each group gets a verdict."""
    return list(dict.fromkeys(["dataset", "system", "against", *claim.by]))


def other_side(claim: Claim) -> Where:
    """Return the filter of the runs that are subtracted: `where`, with the filters of `against` put in."""
    against = claim.against or {}
    dropped = TREATMENT_COLUMNS if _names_treatment(against) else ()
    kept = {name: wanted for name, wanted in claim.where.items() if name not in dropped}
    # A clean run caps no class. That both sides are of the same class is ensured when they are paired.
    return {**{name: wanted for name, wanted in kept.items() if (name, wanted) != ("class", CAPPED)}, **against}


def matching_rows(claim: Claim, where: Where, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of the claim's table that match a filter, each with the bounds of what it measures."""
    table = tables[claim.table]
    keep = pd.Series(True, index=table.index)
    for column, wanted in where.items():
        if column == "system" and isinstance(wanted, dict):
            systems = tables["systems"]
            for name, value in wanted.items():
                systems = systems.loc[_matches(systems[str(name)], value)]
            keep &= table["system"].isin(systems["system"])
        elif column == "class" and wanted == CAPPED:
            keep &= table["class"] == table["cap_class"]
        else:
            keep &= _matches(table[str(column)], wanted)
    rows = table[keep]
    num_epochs = rows["system"].map(tables["systems"].set_index("system")["epochs"]).astype("float64").fillna(np.inf)
    measured_in = rows["quantity" if "quantity" in rows else "metric"].astype(object).map(UNITS.get)
    lowest, highest = np.array([*map(bounds, measured_in, num_epochs)], dtype=np.float64).reshape(-1, 2).T
    rows = rows.assign(lowest=lowest, highest=highest)
    # In `class_thresholds` a value is also null where no number of sentences suffices, which is not undefined. So that
    # table says itself which of its rows are undefined.
    return rows if "undefined" in rows else rows.assign(undefined=reasons(rows))


def pair_differences(claim: Claim, rows: pd.DataFrame, others: pd.DataFrame, systems: pd.DataFrame) -> pd.DataFrame:
    """Pair the rows with `others`, and return the pairs with the difference of their values.

    The rows of a pair agree in every column that the claim's `against` does not name, the noise seed among them. A
    treatment without chance has one noise seed, which pairs with every other. `systems` is the table of that name. The
    column `against` is the system of the other row where it differs, else null.
    """
    against = claim.against or {}
    free = {"value", "noise_seed", *against, *(TREATMENT_COLUMNS if _names_treatment(against) else ())}
    on = [name for name in TABLE_COLUMNS[claim.table].names if name not in free]
    both = rows.merge(others, on=on, how="inner", suffixes=("", "_other"))
    if "system" in on:
        both["system_other"] = both["system"]
    if "kind" in on:
        both["kind_other"] = both["kind"]
    random, other_random = (both[kind].map(lambda name: kind_of(name).random) for kind in ("kind", "kind_other"))
    both = both[(both["noise_seed"] == both["noise_seed_other"]) | ~random | ~other_random]
    both = both.assign(noise_seed=both["noise_seed"].where(random, both["noise_seed_other"]))
    for name in claim.same:
        value_of = systems.set_index("system")[name]
        both = both[both["system"].map(value_of) == both["system_other"].map(value_of)]
    # A run is not paired with itself.
    both = both[(both["system"] != both["system_other"]) | ("system" not in against)]
    names = both["system_other"] if "system" in against else None
    undefined = both["undefined"].where(both["undefined"].notna(), both["undefined_other"])
    return both.assign(
        against=names,
        value=both["value"] - both["value_other"],
        undefined=undefined,
        lowest=both["lowest"] - both["highest_other"],
        highest=both["highest"] - both["lowest_other"],
        weight=2.0,
    )


def in_one_view(values: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Keep one view of each run or pair, unless the claim itself chooses the view."""
    if "view" not in values or "view" in claim.where:
        return values
    run = [name for name in TABLE_COLUMNS[claim.table].names if name not in ("view", "value")]
    return one_view(values, by=(*run, "against"))


def slopes(claim: Claim, values: pd.DataFrame) -> pd.DataFrame:
    """Return the least-squares slope of `value` on the claim's column `over`, for each group, seed and noise seed.

    A slope needs two levels of that column; where there are fewer, there is none. Rows without a value enter no slope
    and are returned, unchanged, after the slopes. Raises BadInput where a row has no level.
    """
    values = values.assign(level=values[claim.over].astype("float64"))
    if values["level"].isna().any():
        raise BadInput(f"claim {claim.id}: rows without {claim.over}, the column the slope is over; narrow where")
    keys = [*groups(claim), *UNIT]
    missing, values = values[values["value"].isna()], values[values["value"].notna()]
    mean_level = values["level"].groupby([values[name] for name in keys], dropna=False).transform("mean")
    centred = values["level"] - mean_level
    up, down = centred.clip(lower=0), centred.clip(upper=0)
    # 0 times a bound that is infinite has no value, and adds nothing to a sum.
    terms = values[keys].assign(
        value=centred * values["value"],
        lowest=up * values["lowest"] + down * values["highest"],
        highest=up * values["highest"] + down * values["lowest"],
        weight=centred**2 * values["weight"],
        xx=centred**2,
    )
    sums = terms.groupby(keys, dropna=False).sum().reset_index()
    sums = sums[sums["xx"] > 0]
    sums[SLOPE] = sums[SLOPE].div(sums["xx"], axis="index")
    slopes = sums.assign(undefined=None, weight=sums["weight"] / sums["xx"])
    columns = [*keys, *SLOPE, "undefined"]
    return pd.concat([slopes[columns], missing[columns]]) if len(missing) else slopes[columns]


def _names_treatment(where: Where) -> bool:
    return not set(TREATMENT_COLUMNS).isdisjoint(where)


def _matches(column: pd.Series, wanted: Any) -> "pd.Series[bool]":
    """Return where a column matches a filter: a value, a list of values, or a range with both ends; null is a value."""
    if isinstance(wanted, dict):
        return column.between(wanted.get("min", -np.inf), wanted.get("max", np.inf)).fillna(False).astype(bool)
    values = wanted if isinstance(wanted, list) else [wanted]
    matches = column.isin([value for value in values if value is not None])
    return matches | column.isna() if None in values else matches
