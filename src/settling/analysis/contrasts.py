"""Paired differences: between treatments of one system, and between systems on one treatment."""

from itertools import combinations
from typing import Any

import pandas as pd

from settling.analysis.estimates import estimate
from settling.analysis.measures import SCORE, TREATMENT
from settling.treatments import kind_of

CONTRASTED = ["f1", "precision", "recall"]


def effects(selected_epochs: pd.DataFrame, treated: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return differences of dev and test scores between treatments, paired by seed and noise seed.

    Every treatment is compared with `clean`, whose one noise seed pairs with all, and a treatment with its controls.
    """
    pairs = [(name, "clean") for name in treated if name != "clean" and "clean" in treated]
    for control, treatment in treated.items():
        controlled = {**treatment, "kind": kind_of(treatment["kind"]).controls}
        pairs += [(name, control) for name, other in treated.items() if other == controlled]
    scores = selected_epochs[selected_epochs["split"].isin(["dev", "test"])]
    where = ["dataset", "system", "selected_epoch", *SCORE, "seed"]
    by_treatment = dict(iter(scores.groupby("treatment")))
    found = []
    for name, baseline in pairs:
        on = where if baseline == "clean" else [*where, "noise_seed"]
        found.append(difference(by_treatment[name], by_treatment[baseline], on).assign(baseline=baseline))
    table = pd.concat(found) if found else scores.head(0).assign(baseline="")
    return estimate(table, [*TREATMENT, "baseline", "system", "selected_epoch", *SCORE])


def contrasts(selected_epochs: pd.DataFrame, systems: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return differences of dev and test entity scores between systems trained alike, paired by noise seed and seed.

    Of every two systems with a data set and treatment in common, the baseline is the pretrained one, else the plain
    encoder, else the one that sorts first: so a pretrained encoder is the baseline of its twin and of ProtoBERT.
    `systems` is as `settling.study.system_cards` gives it.
    """
    scores = selected_epochs[
        selected_epochs["split"].isin(["dev", "test"]) & selected_epochs["metric"].isin(CONTRASTED)
    ]
    by_system = {str(name): rows for name, rows in scores.groupby("system")}
    ranked = sorted(
        by_system, key=lambda name: (not systems[name]["pretrained"], systems[name]["kind"] != "encoder", name)
    )
    on = ["dataset", "treatment", "noise_seed", "seed", "selected_epoch", *SCORE]
    found = [
        difference(by_system[name], by_system[baseline], on).assign(baseline_system=baseline)
        for baseline, name in combinations(ranked, 2)
    ]
    table = pd.concat(found) if found else scores.head(0).assign(baseline_system="")
    return estimate(table, [*TREATMENT, "baseline_system", "system", "selected_epoch", *SCORE])


def difference(scores: pd.DataFrame, baseline: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Return the rows of `scores` that have a partner with the same `on`, the partner's value taken off theirs."""
    both = scores.merge(baseline[[*on, "value"]], on=on, suffixes=("", "_baseline"))
    return both.assign(value=both["value"] - both["value_baseline"])
