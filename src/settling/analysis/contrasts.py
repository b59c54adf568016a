"""Paired differences: between treatments of one system, and between systems on one treatment."""

from itertools import combinations
from typing import Any

import pandas as pd

from settling.analysis.estimates import estimate
from settling.analysis.measures import SCORE, TREATMENT
from settling.treatments import kind_of

CONTRASTED = ["f1", "precision", "recall"]


def effects(selected_epochs: pd.DataFrame, treated: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the table `effects`: differences of dev and test scores between treatments, paired by seed and noise seed.

    The baseline of every treatment is `clean`, whose only noise seed pairs with each of the others. A cap also has its
    controls as baselines. `treated` gives each treatment by name.
    """
    pairs = [(name, "clean") for name in treated if name != "clean" and "clean" in treated]
    for control, treatment in treated.items():
        controlled = {**treatment, "kind": kind_of(treatment["kind"]).controls}
        pairs += [(name, control) for name, other in treated.items() if other == controlled]
    scores = selected_epochs[selected_epochs["split"].isin(["dev", "test"])]
    same = ["dataset", "system", "selected_epoch", *SCORE, "seed"]
    by_treatment = dict(iter(scores.groupby("treatment")))
    differences = []
    for name, baseline in pairs:
        on = same if baseline == "clean" else [*same, "noise_seed"]
        rows = paired_differences(by_treatment[name], by_treatment[baseline], on)
        differences.append(rows.assign(baseline=baseline))
    table = pd.concat(differences) if differences else scores.head(0).assign(baseline="")
    return estimate(table, [*TREATMENT, "baseline", "system", "selected_epoch", *SCORE])


def contrasts(selected_epochs: pd.DataFrame, systems: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the table `contrasts`: differences of dev and test entity scores between systems, paired by run.

    Two runs are a pair if they agree in data set, treatment, noise seed and seed. Of two systems the baseline is the
    pretrained one; if both or neither are, it is the plain encoder, else the one whose name sorts first. So a
    pretrained encoder is the baseline of its twin and of ProtoBERT. `systems` is what `settling.study.system_cards`
    returns.
    """
    scores = selected_epochs[
        selected_epochs["split"].isin(["dev", "test"]) & selected_epochs["metric"].isin(CONTRASTED)
    ]
    by_system = {str(name): rows for name, rows in scores.groupby("system")}
    ranked = sorted(
        by_system, key=lambda name: (not systems[name]["pretrained"], systems[name]["kind"] != "encoder", name)
    )
    on = ["dataset", "treatment", "noise_seed", "seed", "selected_epoch", *SCORE]
    differences = [
        paired_differences(by_system[name], by_system[baseline], on).assign(baseline_system=baseline)
        for baseline, name in combinations(ranked, 2)
    ]
    table = pd.concat(differences) if differences else scores.head(0).assign(baseline_system="")
    return estimate(table, [*TREATMENT, "baseline_system", "system", "selected_epoch", *SCORE])


def paired_differences(scores: pd.DataFrame, baseline: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Pair the rows of two frames that agree in the columns `on`, and return the pairs' differences of `value`.

    The other columns are those of `scores`; rows without a partner are left out.
    """
    both = scores.merge(baseline[[*on, "value"]], on=on, suffixes=("", "_baseline"))
    return both.assign(value=both["value"] - both["value_baseline"])
