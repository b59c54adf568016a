"""The rows that bear on a claim: a value for each run or pair of runs, or a slope for each seed and noise seed."""

from typing import Any

import numpy as np
import pandas as pd

from settling.analysis.rows import one_view
from settling.analysis.undefined import reasons
from settling.claims.claim import CAPPED, COLUMNS, Claim, Where
from settling.errors import BadInput
from settling.treatments import kind_of

# One thing: a filter on the other side that names any of them replaces all of them.
TREATMENT = ("treatment", "family", "kind", "percent", "cap_class", "cap_sentences")
UNIT = ["noise_seed", "seed"]


def units(claim: Claim, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what a claim's statistic is taken over: `value`, where it is from, and `weight`.

    A row is a run, a pair of runs, or the least-squares slope over the levels of one seed and noise seed. Its columns
    are those that `groups` gives, `noise_seed`, `seed`, `value`, `undefined` (why there can be no value), and
    `weight`: the sum of the squares of the weights with which measured values make up this one. `tables` has the
    claim's table and `systems`. Raises BadInput, naming the claim, where a group has two rows for one seed and noise
    seed.
    """
    rows = chosen(claim, claim.where, tables)
    if claim.against is None:
        found = rows.assign(against=None, weight=1.0)
    else:
        found = paired(claim, rows, chosen(claim, other_side(claim), tables), tables["systems"])
    found = in_one_view(found, claim)
    within = [*groups(claim), *UNIT, *([claim.over] if claim.over else [])]
    twice = found[found.duplicated(within, keep=False)]
    if len(twice):
        _, first = next(iter(twice.groupby(within, dropna=False)))
        differ = [name for name in COLUMNS[claim.table].names if name != "value" and first[name].nunique() > 1]
        at = ", ".join(f"{name} {first[name].iloc[0]}" for name in ("dataset", "system", "seed"))
        raise BadInput(
            f"claim {claim.id}: {len(first)} rows of the table {claim.table} for {at}, which differ in "
            f"{' and '.join(differ) or 'nothing'}; expected one: narrow where, or add to by"
        )
    return slopes(claim, found) if claim.over else found


def groups(claim: Claim) -> list[str]:
    """Return the columns whose values are reported apart."""
    return list(dict.fromkeys(["dataset", "system", "against", *claim.by]))


def other_side(claim: Claim) -> Where:
    """Return the filter of the runs that are taken off: that of the claim, with what `against` says instead."""
    against = claim.against or {}
    kept = {name: wanted for name, wanted in claim.where.items() if not (_retreated(against) and name in TREATMENT)}
    # The pairing asks for the same class, and a clean run caps none.
    return {**{name: wanted for name, wanted in kept.items() if (name, wanted) != ("class", CAPPED)}, **against}


def chosen(claim: Claim, where: Where, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of the claim's table that a filter lets through."""
    table = tables[claim.table]
    keep = pd.Series(True, index=table.index)
    for column, wanted in where.items():
        if column == "system" and isinstance(wanted, dict):
            cards = tables["systems"]
            for name, value in wanted.items():
                cards = cards.loc[_holds(cards[str(name)], value)]
            keep &= table["system"].isin(cards["system"])
        elif column == "class" and wanted == CAPPED:
            keep &= table["class"] == table["cap_class"]
        else:
            keep &= _holds(table[str(column)], wanted)
    rows = table[keep]
    # A knee also has no value where no number of sentences suffices, and that is not undefined. So the table of knees
    # says itself which of its rows are undefined.
    return rows if "undefined" in rows else rows.assign(undefined=reasons(rows))


def paired(claim: Claim, rows: pd.DataFrame, others: pd.DataFrame, systems: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a partner, whose value is taken off theirs; `against` is the partner's system.

    Partners agree in every column that `against` does not name, the noise seed included. A treatment without chance
    has one noise seed, which goes with all.
    """
    against = claim.against or {}
    free = {"value", "noise_seed", *against, *(TREATMENT if _retreated(against) else ())}
    on = [name for name in COLUMNS[claim.table].names if name not in free]
    both = rows.merge(others, on=on, how="inner", suffixes=("", "_other"))
    if "system" in on:
        both["system_other"] = both["system"]
    if "kind" in on:
        both["kind_other"] = both["kind"]
    drawn, other_drawn = (both[kind].map(lambda name: kind_of(name).random) for kind in ("kind", "kind_other"))
    both = both[(both["noise_seed"] == both["noise_seed_other"]) | ~drawn | ~other_drawn]
    both = both.assign(noise_seed=both["noise_seed"].where(drawn, both["noise_seed_other"]))
    for name in claim.same:
        card = systems.set_index("system")[name]
        both = both[both["system"].map(card) == both["system_other"].map(card)]
    # A run is no partner of its own.
    both = both[(both["system"] != both["system_other"]) | ("system" not in against)]
    names = both["system_other"] if "system" in against else None
    undefined = both["undefined"].where(both["undefined"].notna(), both["undefined_other"])
    return both.assign(against=names, value=both["value"] - both["value_other"], undefined=undefined, weight=2.0)


def in_one_view(found: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Keep one view of each run or pair, unless the claim itself chooses the view."""
    if "view" not in found or "view" in claim.where:
        return found
    run = [name for name in COLUMNS[claim.table].names if name not in ("view", "value")]
    return one_view(found, by=(*run, "against"))


def slopes(claim: Claim, found: pd.DataFrame) -> pd.DataFrame:
    """Return the least-squares slope of `value` over a column for each seed and noise seed that has two of its levels.

    Rows without a value are in no slope, and come after the slopes as they are.
    """
    found = found.assign(level=found[claim.over].astype("float64"))
    if found["level"].isna().any():
        raise BadInput(f"claim {claim.id}: rows without {claim.over}, the column the slope is over; narrow where")
    keys = [*groups(claim), *UNIT]
    missing, found = found[found["value"].isna()], found[found["value"].notna()]
    centred = found["level"] - found["level"].groupby([found[name] for name in keys], dropna=False).transform("mean")
    parts = found[keys].assign(xy=centred * found["value"], xx=centred**2, weight=centred**2 * found["weight"])
    sums = parts.groupby(keys, dropna=False)[["xy", "xx", "weight"]].sum().reset_index()
    sums = sums[sums["xx"] > 0]
    slopes = sums.assign(value=sums["xy"] / sums["xx"], undefined=None, weight=sums["weight"] / sums["xx"] ** 2)
    columns = [*keys, "value", "undefined", "weight"]
    return pd.concat([slopes[columns], missing[columns]]) if len(missing) else slopes[columns]


def _retreated(where: Where) -> bool:
    return not set(TREATMENT).isdisjoint(where)


def _holds(column: pd.Series, wanted: Any) -> "pd.Series[bool]":
    """Return where a column has the value, one of the values of a list, or one in a range; null is a value."""
    if isinstance(wanted, dict):
        return column.between(wanted.get("min", -np.inf), wanted.get("max", np.inf)).fillna(False).astype(bool)
    values = wanted if isinstance(wanted, list) else [wanted]
    held = column.isin([value for value in values if value is not None])
    return held | column.isna() if None in values else held
