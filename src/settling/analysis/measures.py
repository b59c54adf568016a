"""What holds for one run: its scores at three selected epochs, and its phases, memorisation, forgetting as a whole."""

from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from settling.analysis.estimates import ESTIMATE, estimate
from settling.analysis.phases import dev_curve, near_best_epochs, near_best_open_ended, phases_of
from settling.errors import BadInput
from settling.frames import as_frame
from settling.tables import metadata_of, open_table

TREATMENT = ["dataset", "treatment", "family", "kind", "percent", "cap_class", "cap_sentences"]
RUN = ["noise_seed", "system", "seed"]
SCORE = ["split", "view", "reference", "class", "metric"]
# What tells runs apart; the rest of TREATMENT follows from these.
PLACE = ["dataset", "treatment", *RUN]
# The table `phases` has these, in these units.
UNITS = {
    "settles": "share",
    "fitting_epochs": "epochs",
    "settling_epochs": "epochs",
    "settling_steps": "steps",
    "near_best_epochs": "epochs",
    "near_best_open_ended": "share",
    "open_ended": "share",
}
# Where a score of the run as a whole stands among the others.
WHOLE = {"selected_epoch": "run", "split": "train", "reference": "given"}


def final(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's last epoch."""
    last = scores.groupby(PLACE)["epoch"].transform("max")
    return scores[scores["epoch"] == last].assign(selected_epoch="final")


def best(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's epoch of best dev entity F1, the first where several tie.

    A run whose dev F1 is undefined has no such epoch, and is left out.
    """
    dev = scores[(scores["split"] == "dev") & (scores["metric"] == "f1") & (scores["class"] == "all")]
    dev = dev[dev["value"].notna()]
    dev = dev.sort_values("epoch").loc[lambda rows: rows.groupby(PLACE)["value"].idxmax()]
    return scores.merge(dev[[*PLACE, "epoch"]], on=[*PLACE, "epoch"]).assign(selected_epoch="best")


def settled(scores: pd.DataFrame, phases: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's last settled epoch; those of runs that do not settle are left out.

    `phases` is what `run_phases` gives. Where a run has both views, the phases of epoch-end are taken.
    """
    # In the alphabet, too, epoch-end comes before minibatch.
    rows = phases[phases["view"] == phases.groupby(PLACE)["view"].transform("min")]
    fitting, settling = (
        rows.loc[rows["metric"] == metric, [*PLACE, "value"]] for metric in ("fitting_epochs", "settling_epochs")
    )
    ends = fitting.merge(settling, on=PLACE, suffixes=("_fitting", "_settling"))
    ends["epoch"] = (ends["value_fitting"] + ends["value_settling"] - 1).astype(int)
    return scores.merge(ends[[*PLACE, "epoch"]], on=[*PLACE, "epoch"]).assign(selected_epoch="settled")


def run_phases(scores: Path, table: pa.Table, treated: Path) -> pd.DataFrame:
    """Return the lengths of a run's phases, one a row, for each view, as `metric` and `value`.

    `table` is what the file `scores` of the run holds, and `treated` its training split.

    `settles` (1 or 0), `settling_epochs` and `settling_steps` (0 where it does not settle), `near_best_epochs`,
    `near_best_open_ended`, and where it settles `fitting_epochs` and `open_ended`. NaN where undefined: the first three
    where dev or the given labels of train have no entity, the other two where dev has none. Raises BadInput for a
    missing or foreign file.
    """
    with open_table(treated, "treated") as file:
        split = metadata_of(file.schema_arrow)
    steps = metadata_of(table.schema).get("steps")
    if not isinstance(steps, int):
        raise BadInput(f"{scores}: steps: found {steps!r} in the metadata, expected a number of updates")
    frame = as_frame(table)
    dev_f1 = dev_curve(frame)
    stretch = (nan, nan)
    if not np.isnan(dev_f1).any():
        stretch = (near_best_epochs(dev_f1), near_best_open_ended(dev_f1))
    rows = []
    for view in sorted(frame.loc[frame["split"] == "train", "view"].unique()):
        found = phases_of(frame, view, split["settled_f1"], len(split["tags"]))
        values: dict[str, float] = dict.fromkeys(("settles", "settling_epochs", "settling_steps"), nan)
        if found is not None:
            values = {
                "settles": int(found.settling_end is not None),
                "settling_epochs": found.settling_epochs,
                "settling_steps": found.settling_epochs * steps / found.num_epochs,
            }
        values |= dict(zip(("near_best_epochs", "near_best_open_ended"), stretch, strict=True))
        if found is not None and found.fitting_end is not None:
            values |= {"fitting_epochs": found.fitting_end + 1, "open_ended": int(found.open_ended)}
        rows += [{"view": view, "metric": metric, "value": float(value)} for metric, value in values.items()]
    return pd.DataFrame(rows)


def phase_table(phases: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates of the lengths of the phases, from what `run_phases` gives for all runs.

    `runs` counts all, `n` those that have the quantity: a run that does not settle has no end of fitting.
    """
    keys = [*TREATMENT, "system", "view"]
    found = estimate(phases.rename(columns={"metric": "quantity"}), [*keys, "quantity"])
    settles = phases[phases["metric"] == "settles"]
    runs = settles.groupby(keys, dropna=False, observed=True).size().reset_index(name="runs")
    every = runs.merge(pd.DataFrame(UNITS.items(), columns=["quantity", "unit"]), how="cross")
    on = ["dataset", "treatment", "system", "view", "quantity"]
    table = every.merge(found[[*on, *ESTIMATE]], on=on, how="left")
    return table.assign(n=table["n"].fillna(0).astype(int))


def memorised(selected_epochs: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each run's accuracy on noisy words, against the given label, grew from `best` to `final`."""
    rows = selected_epochs[
        (selected_epochs["split"] == "train")
        & (selected_epochs["reference"] == "given")
        & (selected_epochs["metric"] == "noisy_accuracy")
    ]
    at_best = rows.loc[rows["selected_epoch"] == "best", [*PLACE, "view", "value"]]
    at_end = rows[rows["selected_epoch"] == "final"]
    both = at_end.merge(at_best, on=[*PLACE, "view"], suffixes=("", "_best"))
    return whole(both.assign(metric="memorised", value=both["value"] - both["value_best"]))


def forgotten(counts: pd.DataFrame) -> pd.DataFrame:
    """Return each run's numbers of real words, noisy and clean together, from `forgetting.counts` of all runs."""
    rows = counts[(counts["counting"] == "words") & (counts["metric"] != "ratio")]
    numbers = rows.groupby([*TREATMENT, *RUN, "view", "metric"], dropna=False)["value"].sum().unstack()
    learned = numbers["learned"].where(numbers["learned"] > 0)
    numbers["forgettable_ratio"] = numbers["forgettable"] / learned
    long = numbers.reset_index().melt([*TREATMENT, *RUN, "view"], var_name="metric")
    return whole(long.dropna(subset="value"))


def first_learned_mean(learned: pd.DataFrame) -> pd.DataFrame:
    """Return each run's mean epoch of the first learning events, for each class; `learned` is from `words.learned`.

    A word never learned counts as first learned at the number of epochs, later than any: left out, it would make a
    class look the earlier, the fewer of its words are learned.
    """
    first = learned["first_learned"].astype(int)
    rows = learned.assign(total=first.where(first >= 0, learned["epochs"].astype(int)) * learned["words"])
    sums = rows.groupby([*TREATMENT, *RUN, "view", "class"], dropna=False)[["total", "words"]].sum().reset_index()
    return whole(sums.assign(metric="first_learned_mean", value=sums["total"] / sums["words"]))


def whole(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as scores of whole runs, of the class `all` where they name no class."""
    rows = rows.assign(**WHOLE) if "class" in rows else rows.assign(**WHOLE, **{"class": "all"})
    return rows[[*TREATMENT, *RUN, "selected_epoch", *SCORE, "value"]]
