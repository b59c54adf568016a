"""The claims stage: decide each claim of the paper from the tables of a study. docs/claims.md explains the verdicts."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from settling.analysis.caps import class_thresholds
from settling.analysis.estimates import CONFIDENCE, ESTIMATE
from settling.analysis.metrics import SHARE, UNITS, bounds, metric_of
from settling.canonical import digest
from settling.claims.claim import Claim, read_claims
from settling.claims.text import FEW, MARGIN_INSIDE, printed
from settling.claims.units import groups, units
from settling.files import write_text
from settling.frames import as_frame, read_frame
from settling.provenance import provenance
from settling.schemas import SCHEMAS
from settling.tables import read_table, write_csv, write_table

REPRODUCED, FAILED, UNDECIDED, NOT_RUN = "reproduced", "not reproduced", "undecided", "not run"
CLAIMS_TABLES = ("measures", "detection_runs", "datasets", "systems", "treatments")
# A verdict needs as many runs, pairs or slopes. Two are 12.7 standard errors wide and may agree by chance.
FEWEST = 3
IN_WORDS = {1: "one", 2: "two"}
# A standard deviation below this comes from floating point: the values are equal.
NO_SPREAD = 1e-12


def decide_claims(claims: Path, tables: Path, output: Path) -> str:
    """Decide the claims of a file; write claims.parquet, claims.csv and claims.txt; return the text of claims.txt.

    `tables` is the folder of a study's tables. Raises BadInput for a bad file of claims, a missing or foreign table,
    and a claim that would count a run twice.
    """
    all_claims = read_claims(claims)
    frames = {name: read_frame(tables / f"{name}.parquet", name) for name in CLAIMS_TABLES}
    frames["class_thresholds"] = class_thresholds(frames["measures"])
    rows = [row for claim in all_claims for row in decided(claim, frames)]
    verdicts = pd.DataFrame(rows, columns=SCHEMAS["claims"].names)
    # The hash is of the claims as data, so it does not depend on whether the file is YAML or, in an artifact, JSON.
    spec = {"claims": digest([claim.model_dump(mode="json") for claim in all_claims])}
    origin = provenance("claims", spec, {name: tables / f"{name}.parquet" for name in CLAIMS_TABLES})
    columns = {name: verdicts[name].to_numpy() for name in SCHEMAS["claims"].names}
    write_table(output / "claims.parquet", "claims", columns, origin)
    table = read_table(output / "claims.parquet", "claims")
    write_csv(output / "claims.csv", table)
    text = printed(as_frame(table), frames)
    write_text(output / "claims.txt", text)
    return text


def decided(claim: Claim, tables: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return a claim's rows of the table `claims`: one for each group (data set, systems, level).

    If the study has no run for the claim, there is one row without a group.
    """
    claim_columns = {
        "claim": claim.id,
        "text": claim.claim,
        **{
            name: getattr(claim, name) for name in ("source", "published", "effect", "statistic", "direction", "margin")
        },
    }
    by = groups(claim)
    rows = []
    values = units(claim, tables)
    for _, runs in on_enough_data(claim, values, tables).groupby(by, dropna=False, sort=True):
        first = runs.iloc[0]
        group = {name: None if pd.isna(first[name]) else first[name] for name in by}
        defined = with_value(claim, runs)
        effect = group_estimate(claim, defined)
        verdict, reason = judged(claim, effect) if len(defined) else (UNDECIDED, reason_without_value(runs))
        bounded = lower_bounds(claim, defined, tables)
        if verdict == FAILED and bounded:
            verdict, reason = UNDECIDED, f"in {bounded} of {effect['n']} runs it lasts to the last epoch, maybe longer"
        elif verdict == FAILED and claim.direction == "above" and defined["highest"].mean() <= claim.margin:
            verdict, reason = UNDECIDED, f"in these runs no value can be above {claim.margin:g}"
        group_columns = {name: group[name] for name in ("dataset", "system", "against")}
        group_columns |= {"setting": setting(group), "unit": unit_of(claim)}
        rows.append({**claim_columns, **group_columns, **effect, "verdict": verdict, "reason": reason})
    if not rows:
        reason = reason_not_run(claim, too_small=len(values) > 0)
        rows = [{**claim_columns, "n": 0, "verdict": NOT_RUN, "reason": reason}]
    verdict_on_claim = overall([row["verdict"] for row in rows])
    return [{**row, "overall": verdict_on_claim} for row in rows]


def with_value(claim: Claim, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a group that its statistic is taken over.

    For a share these are all rows that are not undefined: a class that is learned at none of the study's numbers of
    sentences has no threshold, and such a run counts as outside the range.
    """
    return runs[runs["undefined"].isna() if claim.range is not None else runs["value"].notna()]


def reason_without_value(runs: pd.DataFrame) -> str:
    """Return the reason why none of a group's rows has a value."""
    return next(iter(runs["undefined"].dropna()), "no run has this value")


def lower_bounds(claim: Claim, runs: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> int:
    """Return how many of a group's runs have a value that is only a lower bound of the true one."""
    if claim.lower_bound_where is None:
        return 0
    measures = tables["measures"]
    bounds = measures[(measures["metric"] == claim.lower_bound_where) & (measures["value"] > 0)]
    return len(runs.merge(bounds, on=["dataset", "treatment", "noise_seed", "system", "seed", "view"]))


def on_enough_data(claim: Claim, rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows on data sets whose largest training split has as many sentences as the claim asks for."""
    if claim.training_sentences is None:
        return rows
    largest = tables["treatments"].groupby("dataset")["sentences"].max()
    return rows[rows["dataset"].map(largest) >= claim.training_sentences]


def reason_not_run(claim: Claim, too_small: bool) -> str:
    """Return the reason why a claim was not run; `too_small` says that its only runs are on too small data sets."""
    runs = f"{'pairs of ' if claim.against else ''}runs with this value"
    if too_small:
        return f"the study has {runs} on fewer than {claim.training_sentences:,} training sentences only"
    return f"the study has no {runs}{f' at two levels of {claim.over}' if claim.over else ''}"


def setting(group: dict[str, Any]) -> str:
    """Return the values of a group in words, its data set and systems left out: `20 % noise (flip)`, say."""
    parts = []
    kind, percent = group.get("kind"), group.get("percent")
    if percent is not None:
        parts.append(f"{int(percent)} % noise" + (f" ({kind})" if kind else ""))
    elif kind is not None:
        parts.append(str(kind))
    if group.get("cap_sentences") is not None:
        parts.append(f"{int(group['cap_sentences'])} {group.get('cap_class') or ''} sentences".replace("  ", " "))
    named = ["dataset", "system", "against", "kind", "percent"]
    named += ["cap_sentences", "cap_class"] if group.get("cap_sentences") is not None else []
    rest = [str(value) for name, value in group.items() if name not in named and value is not None]
    return ", ".join([*parts, *rest])


def unit_of(claim: Claim) -> str | None:
    """Return the unit of a claim's effect; None where the claim names no one metric."""
    metric = metric_of(claim.where)
    unit = UNITS.get(metric) if isinstance(metric, str) else None
    if claim.range is not None:
        return SHARE
    return f"{unit} per {claim.over}" if unit and claim.over else unit


def group_estimate(claim: Claim, runs: pd.DataFrame) -> dict[str, Any]:
    """Return the estimate of a group's mean, or of the share of its runs that lie in the claim's range.

    The interval is cut to what the mean can be. It is null where n is 1. Where n is 0 the mean and the standard
    deviation are null too.
    """
    if runs.empty:
        return {**dict.fromkeys(ESTIMATE), "n": 0}
    values = runs["value"].to_numpy(dtype=np.float64)
    lowest, highest = runs["lowest"].mean(), runs["highest"].mean()
    if claim.range is not None:
        # A run without a value is outside any range: its class is learned at none of the study's numbers of sentences.
        inside = (values >= claim.range.get("min", -np.inf)) & (values <= claim.range.get("max", np.inf))
        values, (low, high) = inside.astype(np.float64), share_interval(int(inside.sum()), len(inside))
        lowest, highest = bounds(SHARE)
    else:
        low, high = mean_interval(values, claim.grain * float(np.sqrt(runs["weight"].mean() / 12)))
    if low is not None and high is not None:
        low, high = max(low, lowest), min(high, highest)
    sd = values.std(ddof=1) if len(values) > 1 else None
    return dict(zip(ESTIMATE, (values.mean(), sd, low, high, len(values)), strict=True))


def mean_interval(values: NDArray[np.float64], rounding: float = 0.0) -> tuple[float | None, float | None]:
    """Return Student's interval of the mean of `values` (n,); null where n is 1 or all values are equal.

    A percentile bootstrap of two to four values is far too narrow, because it never leaves their range. `rounding` is
    the standard deviation that rounding alone gives a value. The spread of the values counts as at least that much;
    otherwise whole numbers that happen to agree would give an interval without width.
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
    """Return the interval of Agresti and Coull (1998) of a share; null where n is 1. It may reach beyond 0 and 1.

    Student's interval has no width where all runs agree. This one has; it takes five runs that agree to exclude one
    half.
    """
    if n < 2:
        return None, None
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z * float(np.sqrt(centre * (1 - centre) / (n + z**2)))
    return centre - half, centre + half


def judged(claim: Claim, effect: dict[str, Any]) -> tuple[str, str | None]:
    """Return the verdict on one group from its estimate, and the reason if it is undecided."""
    low, high, margin = effect["low"], effect["high"], claim.margin
    if effect["n"] < FEWEST:
        what = "slope" if claim.over else "pair" if claim.against else "run"
        return UNDECIDED, f"{IN_WORDS[effect['n']]} {what}{'s' if effect['n'] > 1 else ''}; {FEW}"
    if low is None:
        return UNDECIDED, "all runs agree exactly, so no interval"
    inside, outside = {
        "above": (low > margin, high < margin),
        "below": (high < margin, low > margin),
        "within": (-margin < low and high < margin, low > margin or high < -margin),
    }[claim.direction]
    if inside:
        return REPRODUCED, None
    return (FAILED, None) if outside else (UNDECIDED, MARGIN_INSIDE)


def overall(verdicts: list[str]) -> str:
    """Return the verdict on a claim from those on its groups: one failure decides; undecided groups do not count."""
    for verdict in (FAILED, REPRODUCED, UNDECIDED):
        if verdict in verdicts:
            return verdict
    return NOT_RUN
