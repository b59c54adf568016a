"""The claims stage: decide each claim of the paper over the tables of a study. docs/claims.md explains the verdicts."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from settling.analysis.caps import knees
from settling.analysis.estimates import CONFIDENCE, ESTIMATE
from settling.canonical import digest
from settling.claims.claim import Claim, read_claims
from settling.claims.text import CERTAIN, printed
from settling.claims.units import groups, units
from settling.files import write_text
from settling.frames import as_frame, read_frame
from settling.provenance import provenance
from settling.schemas import SCHEMAS
from settling.tables import read_table, write_csv, write_table

REPRODUCED, FAILED, UNDECIDED, NOT_RUN = "reproduced", "not reproduced", "undecided", "not run"
READ = ("measures", "detection_runs", "systems", "treatments")
# What differences of equal numbers come to in floating point.
NO_SPREAD = 1e-12


def decide_claims(claims: Path, tables: Path, output: Path) -> str:
    """Decide the claims of a file; write claims.parquet, claims.csv and claims.txt; return the card.

    `tables` is the folder of a study's tables. Raises BadInput for a bad file of claims, a missing or foreign table,
    and a claim that would count a run twice.
    """
    wanted = read_claims(claims)
    frames = {name: read_frame(tables / f"{name}.parquet", name) for name in READ}
    frames["knees"] = knees(frames["measures"])
    rows = [row for claim in wanted for row in decided(claim, frames)]
    found = pd.DataFrame(rows, columns=SCHEMAS["claims"].names)
    # What the file says counts, not whether it is YAML or, in an artifact, JSON.
    spec = {"claims": digest([claim.model_dump(mode="json") for claim in wanted])}
    made = provenance("claims", spec, {name: tables / f"{name}.parquet" for name in READ})
    columns = {name: found[name].to_numpy() for name in SCHEMAS["claims"].names}
    write_table(output / "claims.parquet", "claims", columns, made)
    table = read_table(output / "claims.parquet", "claims")
    write_csv(output / "claims.csv", table)
    card = printed(as_frame(table), frames)
    write_text(output / "claims.txt", card)
    return card


def decided(claim: Claim, tables: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return a claim's rows of the table `claims`, one for each group; one without a group where nothing was run."""
    said = {
        "claim": claim.id,
        "text": claim.claim,
        **{
            name: getattr(claim, name) for name in ("source", "published", "effect", "statistic", "direction", "margin")
        },
    }
    by = groups(claim)
    rows = []
    found = units(claim, tables)
    for _, runs in on_enough(claim, found, tables).groupby(by, dropna=False, sort=True):
        first = runs.iloc[0]
        group = {name: None if pd.isna(first[name]) else first[name] for name in by}
        defined = with_value(claim, runs)
        effect = summary(claim, defined)
        verdict, reason = judged(claim, effect) if len(defined) else (UNDECIDED, without_value(runs))
        unknown = lower_bounds(claim, defined, tables)
        if verdict == FAILED and unknown:
            verdict, reason = UNDECIDED, f"in {unknown} of {effect['n']} runs it lasts to the last epoch, maybe longer"
        at = {name: group[name] for name in ("dataset", "system", "against")}
        rows.append({**said, **at, "place": place(group), **effect, "verdict": verdict, "reason": reason})
    if not rows:
        rows = [{**said, "n": 0, "verdict": NOT_RUN, "reason": lacking(claim, some=len(found) > 0)}]
    together = overall([row["verdict"] for row in rows])
    return [{**row, "overall": together} for row in rows]


def with_value(claim: Claim, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a group that its statistic is taken over.

    A knee that is at none of the study's numbers of sentences is no number, and yet is outside any range.
    """
    return runs[runs["undefined"].isna() if claim.range is not None else runs["value"].notna()]


def without_value(runs: pd.DataFrame) -> str:
    """Say why none of a group's rows has a value."""
    return next(iter(runs["undefined"].dropna()), "no run has this value")


def lower_bounds(claim: Claim, runs: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> int:
    """Return how many of a group's runs have a value that is only a lower bound."""
    if claim.lower_bound_where is None:
        return 0
    measures = tables["measures"]
    bounds = measures[(measures["metric"] == claim.lower_bound_where) & (measures["value"] > 0)]
    return len(runs.merge(bounds, on=["dataset", "treatment", "noise_seed", "system", "seed", "view"]))


def on_enough(claim: Claim, found: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows on data sets whose largest training split in the study is as large as the claim asks for."""
    if claim.training_sentences is None:
        return found
    largest = tables["treatments"].groupby("dataset")["sentences"].max()
    return found[found["dataset"].map(largest) >= claim.training_sentences]


def lacking(claim: Claim, some: bool) -> str:
    """Say why a claim was not run: `some` is whether the study has runs for it, on too little data."""
    runs = f"{'pairs of ' if claim.against else ''}runs with this value"
    if some:
        return f"the study has {runs} on fewer than {claim.training_sentences:,} training sentences only"
    return f"the study has no {runs}{f' at two levels of {claim.over}' if claim.over else ''}"


def place(group: dict[str, Any]) -> str:
    """Put in words where in the study a group is, beyond its data set and systems."""
    parts = []
    kind, percent = group.get("kind"), group.get("percent")
    if percent is not None:
        parts.append(f"{int(percent)} % noise" + (f" ({kind})" if kind else ""))
    elif kind is not None:
        parts.append(str(kind))
    if group.get("cap_sentences") is not None:
        parts.append(f"{int(group['cap_sentences'])} {group.get('cap_class') or ''} sentences".replace("  ", " "))
    done = ["dataset", "system", "against", "kind", "percent"]
    done += ["cap_sentences", "cap_class"] if group.get("cap_sentences") is not None else []
    return ", ".join([*parts, *(str(value) for name, value in group.items() if name not in done and value is not None)])


def summary(claim: Claim, runs: pd.DataFrame) -> dict[str, Any]:
    """Return the estimate of a group's mean, or of its share of runs in the claim's range; interval null for n = 1.

    Without runs all is null but n, which is 0.
    """
    if runs.empty:
        return {**dict.fromkeys(ESTIMATE), "n": 0}
    values = runs["value"].to_numpy(dtype=np.float64)
    if claim.range is not None:
        # A run without a value, as where a class is never learned, is outside any range.
        inside = (values >= claim.range.get("min", -np.inf)) & (values <= claim.range.get("max", np.inf))
        values, (low, high) = inside.astype(np.float64), share_interval(int(inside.sum()), len(inside))
    else:
        low, high = mean_interval(values, claim.grain * float(np.sqrt(runs["weight"].mean() / 12)))
    sd = values.std(ddof=1) if len(values) > 1 else None
    return dict(zip(ESTIMATE, (values.mean(), sd, low, high, len(values)), strict=True))


def mean_interval(values: NDArray[np.float64], rounding: float = 0.0) -> tuple[float | None, float | None]:
    """Return Student's interval of the mean of `values` (n,), null for n = 1 and where all are equal.

    A percentile bootstrap of two to four values is far too narrow: it never leaves their range. `rounding` is the
    standard deviation that rounding gives a value; the spread is taken to be no smaller, so that whole numbers that
    happen to agree do not make an interval without width.
    """
    n = len(values)
    if n < 2:
        return None, None
    spread = max(float(values.std(ddof=1)), rounding)
    if spread < NO_SPREAD:
        return None, None
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * spread / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)


def share_interval(successes: int, n: int) -> tuple[float | None, float | None]:
    """Return the interval of Agresti and Coull (1998) of a share, cut to [0, 1]; null for n = 1.

    Student's has no width where all runs agree. Of this one, five runs that agree are the fewest that exclude one half.
    """
    if n < 2:
        return None, None
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z * float(np.sqrt(centre * (1 - centre) / (n + z**2)))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def judged(claim: Claim, found: dict[str, Any]) -> tuple[str, str | None]:
    """Return the verdict on one group, and why it is undecided where it is."""
    low, high, margin = found["low"], found["high"], claim.margin
    if low is None:
        return UNDECIDED, f"{'one run' if found['n'] == 1 else 'all runs agree exactly'}, so no interval"
    inside, outside = {
        "above": (low > margin, high < margin),
        "below": (high < margin, low > margin),
        "within": (-margin < low and high < margin, low > margin or high < -margin),
    }[claim.direction]
    if inside:
        return REPRODUCED, None
    return (FAILED, None) if outside else (UNDECIDED, CERTAIN)


def overall(verdicts: list[str]) -> str:
    """Return the verdict on a claim: that of its decided groups, where one that fails is enough to fail."""
    for verdict in (FAILED, REPRODUCED, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return NOT_RUN
