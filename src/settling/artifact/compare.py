"""Set two artifacts side by side: another lab's rerun, another GPU, another release."""

from collections.abc import Hashable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from settling.analysis.estimates import ESTIMATE
from settling.artifact.archive import refuse_altered, unpacked
from settling.artifact.stage import config_of
from settling.errors import BadInput, one_line
from settling.frames import read_frame
from settling.layout import TABLE, TABLES, VERDICTS
from settling.schemas import SCHEMAS

# Tables of estimates over runs, which have a spread.
ESTIMATES = [name for name in TABLES if {"mean", "sd"} <= set(SCHEMAS[name].names)]
SHOWN = 3


def compare(first: Path, second: Path) -> str:
    """Return, in lines, where two artifacts differ most, in units of the spread over seeds, and whose verdicts changed.

    Raises BadInput for a file that is no artifact, or that is not safe to read.
    """
    lines = []
    if config_of(first) != config_of(second):
        lines.append("configurations: not the same; what only one has is left out")
    one, other = frames_of(first), frames_of(second)
    for name in ESTIMATES:
        lines += of_table(name, one[name], other[name])
    lines += of_claims(one["claims"], other["claims"])
    return "\n".join(map(one_line, lines))


def frames_of(path: Path) -> dict[str, pd.DataFrame]:
    """Return an artifact's tables of estimates, and its claims; raise BadInput where they are not settling's."""
    with unpacked(path) as (folder, _, altered):
        refuse_altered(path, altered)
        files = {name: TABLE.format(table=name) for name in ESTIMATES}
        frames = {name: read_frame(folder / file, name) for name, file in files.items()}
        for name, frame in frames.items():
            if frame.duplicated(keys_of(frame)).any():
                raise BadInput(f"{path}: {files[name]}: found two rows of one estimate, expected one")
        return {**frames, "claims": read_frame(folder / VERDICTS, "claims")}


def keys_of(table: pd.DataFrame) -> list[Hashable]:
    """Return the columns that say what a row is an estimate of."""
    return [column for column in table if column not in (*ESTIMATE, "runs")]


def of_table(name: str, one: pd.DataFrame, other: pd.DataFrame) -> Iterator[str]:
    """Yield the largest differences of a table's means, greatest first, in units of the runs' standard deviation.

    The unit is the root of the mean of both variances; where neither spreads, a difference has no unit and comes first,
    as does a mean that one of both has not.
    """
    keys = keys_of(one)
    both = one.merge(other, on=keys, suffixes=("_1", "_2"), validate="one_to_one")
    alone = len(one) + len(other) - 2 * len(both)
    apart = (both["mean_2"] - both["mean_1"]).abs()
    spread = np.sqrt((both["sd_1"] ** 2 + both["sd_2"] ** 2) / 2)
    units = apart.where(apart > 0) / spread.fillna(0)
    units = units.mask(both["mean_1"].isna() != both["mean_2"].isna(), np.inf)
    order = units.dropna().sort_values(ascending=False, kind="stable").index
    yield f"{name}: {len(both)} estimates in both, {alone} in one alone, {len(order)} not equal"
    for row in order[:SHOWN]:
        at = both.loc[row]
        unit = f"{units[row]:.2f} sd" if np.isfinite(units[row]) else "no spread"
        what = " ".join(str(at[key]) for key in keys if pd.notna(at[key]))
        one_mean, other_mean = (f"{at[name]:.4g}" if pd.notna(at[name]) else "none" for name in ("mean_1", "mean_2"))
        yield f"  {unit:>9}  {one_mean} and {other_mean} (n={at['n_1']}, {at['n_2']})  {what}"


def of_claims(one: pd.DataFrame, other: pd.DataFrame) -> Iterator[str]:
    """Yield the claims whose verdict changed."""
    verdicts = [dict(zip(frame["claim"], frame["overall"], strict=True)) for frame in (one, other)]
    changed = [
        f"  {claim}: {verdicts[0].get(claim, 'not there')}, then {verdicts[1].get(claim, 'not there')}"
        for claim in sorted(verdicts[0].keys() | verdicts[1])
        if verdicts[0].get(claim) != verdicts[1].get(claim)
    ]
    yield f"claims: {len(changed)} of {len(verdicts[0].keys() | verdicts[1])} changed verdict"
    yield from changed
