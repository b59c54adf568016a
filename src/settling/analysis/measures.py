"""The measures of single runs: scores at three selected epochs; phases, memorisation and forgetting of a whole run."""

from math import nan

import numpy as np
import pandas as pd

from settling.analysis.estimates import ESTIMATE, estimate
from settling.analysis.metrics import UNITS
from settling.analysis.phases import dev_curve, near_best_epochs, near_best_open_ended, phases_of
from settling.analysis.rows import one_view

TREATMENT = ["dataset", "treatment", "family", "kind", "percent", "cap_class", "cap_sentences"]
RUN = ["noise_seed", "system", "seed"]
SCORE = ["split", "view", "reference", "class", "metric"]
# These columns identify a run. The rest of TREATMENT follows from them.
RUN_KEY = ["dataset", "treatment", *RUN]
# The quantities of the table `phases`.
QUANTITIES = (
    "settles",
    "fitting_epochs",
    "settling_epochs",
    "settling_steps",
    "near_best_epochs",
    "near_best_open_ended",
    "open_ended",
)
# The values of these columns in a row of the table `measures` that is about a run as a whole.
WHOLE_RUN = {"selected_epoch": "run", "split": "train", "reference": "given"}


def at_final_epoch(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's last epoch."""
    last = scores.groupby(RUN_KEY)["epoch"].transform("max")
    return scores[scores["epoch"] == last].assign(selected_epoch="final")


def at_best_epoch(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's epoch with the best entity F1 on dev; of equally good epochs, the first.

    A run whose dev F1 is undefined has no such epoch and is left out.
    """
    dev = scores[(scores["split"] == "dev") & (scores["metric"] == "f1") & (scores["class"] == "all")]
    dev = dev[dev["value"].notna()]
    dev = dev.sort_values("epoch").loc[lambda rows: rows.groupby(RUN_KEY)["value"].idxmax()]
    return scores.merge(dev[[*RUN_KEY, "epoch"]], on=[*RUN_KEY, "epoch"]).assign(selected_epoch="best")


def at_settled_epoch(scores: pd.DataFrame, phases: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's last settled epoch; runs that do not settle are left out.

    `phases` is what `run_phases` returns, for all runs. If a run has both views, the phases of epoch-end decide.
    """
    rows = one_view(phases, by=RUN_KEY)
    fitting, settling = (
        rows.loc[rows["metric"] == metric, [*RUN_KEY, "value"]] for metric in ("fitting_epochs", "settling_epochs")
    )
    ends = fitting.merge(settling, on=RUN_KEY, suffixes=("_fitting", "_settling"))
    ends["epoch"] = (ends["value_fitting"] + ends["value_settling"] - 1).astype(int)
    return scores.merge(ends[[*RUN_KEY, "epoch"]], on=[*RUN_KEY, "epoch"]).assign(selected_epoch="settled")


def run_phases(scores: pd.DataFrame, steps: int, settled_f1: float | None, num_tags: int) -> pd.DataFrame:
    """Return the lengths of a run's phases: a row for each `view` and `metric`, with its `value`.

    `scores` follows the schema `scores`. `steps` is the run's number of updates, `settled_f1` the F1 of the true labels
    of its training split against the given ones (None where it is undefined), `num_tags` the number of tags.

    The metrics are `settles` (1 or 0), `settling_epochs` and `settling_steps` (0 where the run does not settle),
    `near_best_epochs` and `near_best_open_ended`; for a run that settles also `fitting_epochs` and `open_ended`. The
    first three are undefined (NaN) where dev or the given labels of train have no entity, the next two where dev has
    none.
    """
    dev_f1 = dev_curve(scores)
    near_best = (nan, nan)
    if not np.isnan(dev_f1).any():
        near_best = (near_best_epochs(dev_f1), near_best_open_ended(dev_f1))
    rows = []
    for view in sorted(scores.loc[scores["split"] == "train", "view"].unique()):
        phases = phases_of(scores, view, settled_f1, num_tags)
        values: dict[str, float] = dict.fromkeys(("settles", "settling_epochs", "settling_steps"), nan)
        if phases is not None:
            values = {
                "settles": int(phases.settling_end is not None),
                "settling_epochs": phases.settling_epochs,
                "settling_steps": phases.settling_epochs * steps / phases.num_epochs,
            }
        values |= dict(zip(("near_best_epochs", "near_best_open_ended"), near_best, strict=True))
        if phases is not None and phases.fitting_end is not None:
            values |= {"fitting_epochs": phases.fitting_end + 1, "open_ended": int(phases.open_ended)}
        rows += [{"view": view, "metric": metric, "value": float(value)} for metric, value in values.items()]
    return pd.DataFrame(rows)


def phase_table(phases: pd.DataFrame) -> pd.DataFrame:
    """Return the table `phases`: the mean lengths of the phases, from what `run_phases` returns for all runs.

    `runs` counts all runs, `n` those that have the quantity; a run that does not settle has no end of fitting, say.
    """
    keys = [*TREATMENT, "system", "view"]
    estimates = estimate(phases.rename(columns={"metric": "quantity"}), [*keys, "quantity"])
    settles = phases[phases["metric"] == "settles"]
    runs = settles.groupby(keys, dropna=False, observed=True).size().reset_index(name="runs")
    units = pd.DataFrame({"quantity": QUANTITIES, "unit": [UNITS[quantity] for quantity in QUANTITIES]})
    quantities = runs.merge(units, how="cross")
    on = ["dataset", "treatment", "system", "view", "quantity"]
    table = quantities.merge(estimates[[*on, *ESTIMATE]], on=on, how="left")
    return table.assign(n=table["n"].fillna(0).astype(int))


def memorised(selected_epochs: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each run's accuracy on noisy words grew from the epoch `best` to `final`.

    A noisy word counts as right where its given label, the wrong one, was predicted.
    """
    rows = selected_epochs[
        (selected_epochs["split"] == "train")
        & (selected_epochs["reference"] == "given")
        & (selected_epochs["metric"] == "noisy_accuracy")
    ]
    at_best = rows.loc[rows["selected_epoch"] == "best", [*RUN_KEY, "view", "value"]]
    at_end = rows[rows["selected_epoch"] == "final"]
    both = at_end.merge(at_best, on=[*RUN_KEY, "view"], suffixes=("", "_best"))
    return as_measures(both.assign(metric="memorised", value=both["value"] - both["value_best"]))


def forgotten(counts: pd.DataFrame) -> pd.DataFrame:
    """Return each run's numbers of forgotten and learned words, and their ratio, over noisy and clean words together.

    `counts` is what `forgetting.counts` returns, for all runs. Only real words count.
    """
    rows = counts[(counts["counting"] == "words") & (counts["metric"] != "ratio")]
    numbers = rows.groupby([*TREATMENT, *RUN, "view", "metric"], dropna=False)["value"].sum().unstack()
    learned = numbers["learned"].where(numbers["learned"] > 0)
    numbers["forgettable_ratio"] = numbers["forgettable"] / learned
    long = numbers.reset_index().melt([*TREATMENT, *RUN, "view"], var_name="metric")
    return as_measures(long.dropna(subset="value"))


def first_learned_mean(learned: pd.DataFrame) -> pd.DataFrame:
    """Return each run's mean epoch of the first learning events, for each class.

    `learned` is what `words.first_learned_counts` returns, for all runs. A word that was never learned counts as first
    learned at the number of epochs, which is later than any epoch. If such words were left out, a class would seem
    to be learned earlier the fewer of its words are learned.
    """
    first = learned["first_learned"].astype(int)
    rows = learned.assign(total=first.where(first >= 0, learned["epochs"].astype(int)) * learned["words"])
    sums = rows.groupby([*TREATMENT, *RUN, "view", "class"], dropna=False)[["total", "words"]].sum().reset_index()
    return as_measures(sums.assign(metric="first_learned_mean", value=sums["total"] / sums["words"]))


def as_measures(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows about whole runs in the form of the table `measures`; without a column `class`, they are of `all`."""
    rows = rows.assign(**WHOLE_RUN) if "class" in rows else rows.assign(**WHOLE_RUN, **{"class": "all"})
    return rows[[*TREATMENT, *RUN, "selected_epoch", *SCORE, "value"]]
