"""The aggregate stage: the tables of a study from the scores and events of all its runs."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from settling.analysis.estimates import ESTIMATE, estimate
from settling.errors import BadInput
from settling.files import metadata_of, open_table, provenance, read_table, write_csv, write_table
from settling.frames import as_frame, read_frame
from settling.schemas import SCHEMAS
from settling.study import TABLES, Run, runs_of

TREATMENT = ["dataset", "treatment", "kind", "percent", "cap_class", "cap_sentences"]
SCORE = ["split", "view", "reference", "class", "metric"]


def aggregate(spec: dict[str, Any], results: Path, output: Path) -> None:
    """Write every table of the study in the folder `results` to the folder `output`, as Parquet and CSV.

    `spec` is what `settling.study.aggregate_spec` returns. Raises BadInput for a missing or foreign file.
    """
    for key in ("experiments", "treatments"):
        if key not in spec:
            raise BadInput(f"spec: {key}: missing")
    runs = runs_of(spec["experiments"])
    scores = collect(runs, spec["treatments"], (read_frame(results / run.scores, "scores") for run in runs))
    events = collect(runs, spec["treatments"], (run_events(results, run) for run in runs))
    moments = pd.concat([final(scores), best(scores)])
    tables = {
        "treatments": treatments(results, runs, spec["treatments"]),
        "curves": estimate(scores, [*TREATMENT, "system", "epoch", *SCORE]),
        "summary": estimate(moments, [*TREATMENT, "system", "moment", *SCORE]),
        "effects": effects(moments, spec["treatments"]),
        "first_learned": first_learned(events),
        "forgetting": forgetting(events),
    }
    for name in TABLES:
        table = tables[name][SCHEMAS[name].names]
        table = table.sort_values([column for column in table if column not in ESTIMATE], kind="stable")
        columns = {column: table[column].to_numpy() for column in table}
        write_table(output / f"{name}.parquet", name, columns, provenance("aggregate", spec, {}))
        write_csv(output / f"{name}.csv", read_table(output / f"{name}.parquet", name))


def collect(runs: list[Run], treated: dict[str, dict[str, Any]], frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the frames of all runs under each other, each with what names its run."""
    named = []
    for number, (run, frame) in enumerate(zip(runs, frames, strict=True), 1):
        named.append(frame.assign(**describe(run, treated), draw=run.draw, system=run.system, seed=run.seed))
        if number % 100 == 0:
            print(f"read {number}/{len(runs)} runs", file=sys.stderr)
    return pd.concat(named, ignore_index=True)


def describe(run: Run, treated: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the columns that say what a run's treatment was."""
    treatment = treated[run.treatment]
    values = {
        "dataset": run.dataset,
        "treatment": run.treatment,
        "kind": treatment["kind"],
        "percent": treatment.get("percent"),
        "cap_class": treatment.get("class"),
        "cap_sentences": treatment.get("sentences"),
    }
    return {name: pd.NA if value is None else value for name, value in values.items()}


def run_events(results: Path, run: Run) -> pd.DataFrame:
    """Return a run's words counted by view, noisy or not, first epoch learned and whether ever forgotten."""
    table = read_table(results / run.events, "events")
    epochs = metadata_of(table.schema)["epochs"]
    frame = as_frame(table.select(["view", "noisy", "first_learned", "forgetting"]))
    frame["forgotten"] = frame.pop("forgetting") > 0
    return frame.value_counts(sort=False).rename("words").reset_index().assign(epochs=epochs)


def treatments(results: Path, runs: list[Run], treated: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return what each draw of each treatment did, from the metadata of the treated splits."""
    rows = []
    for run in {(run.dataset, run.treatment, run.draw): run for run in runs}.values():
        with open_table(results / run.treated, "treated") as file:
            made, words = metadata_of(file.schema_arrow), file.metadata.num_rows
        figures = ("sentences", "nominal_rate", "effective_rate", "settled_f1")
        rows.append(
            {**describe(run, treated), "draw": run.draw, "words": words, **{name: made[name] for name in figures}}
        )
    return pd.DataFrame(rows)


def final(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's last epoch."""
    last = scores.groupby(["dataset", "treatment", "draw", "system", "seed"])["epoch"].transform("max")
    return scores[scores["epoch"] == last].assign(moment="final")


def best(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of each run's epoch of best dev entity F1, the first where several tie."""
    keys = ["dataset", "treatment", "draw", "system", "seed"]
    dev = scores[(scores["split"] == "dev") & (scores["metric"] == "f1") & (scores["class"] == "all")]
    dev = dev.sort_values("epoch").loc[lambda rows: rows.groupby(keys)["value"].idxmax()]
    return scores.merge(dev[[*keys, "epoch"]], on=[*keys, "epoch"]).assign(moment="best")


def effects(moments: pd.DataFrame, treated: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return differences of dev and test scores between treatments, paired by seed and draw.

    Every treatment is compared with `clean`, whose one draw pairs with all, and `cap` with its control arms.
    """
    pairs = [(name, "clean") for name in treated if name != "clean" and "clean" in treated]
    for name, treatment in treated.items():
        if treatment["kind"] == "cap":
            arms = [{**treatment, "kind": kind} for kind in ("cap-relabel", "drop")]
            pairs += [(name, control) for control, other in treated.items() if other in arms]
    scores = moments[moments["split"].isin(["dev", "test"])]
    where = ["dataset", "system", "moment", *SCORE, "seed"]
    by_treatment = dict(iter(scores.groupby("treatment")))
    found = []
    for name, baseline in pairs:
        on = where if baseline == "clean" else [*where, "draw"]
        both = by_treatment[name].merge(by_treatment[baseline][[*on, "value"]], on=on, suffixes=("", "_baseline"))
        found.append(both.assign(baseline=baseline, value=both["value"] - both["value_baseline"]))
    keys = [*TREATMENT, "baseline", "system", "moment", *SCORE]
    table = pd.concat(found) if found else scores.head(0).assign(baseline="")
    return estimate(table, keys)


def first_learned(events: pd.DataFrame) -> pd.DataFrame:
    """Return, by epoch, the share of the words (noisy and clean apart) whose first learning event it holds.

    Epoch -1 stands for never. Every epoch that a run had is there, with 0 where no word was first learned.
    """
    keys = [*TREATMENT, "system", "view", "noisy", "draw", "seed", "epochs"]
    counts = events.groupby([*keys, "first_learned"], dropna=False)["words"].sum().unstack(fill_value=0)
    counts = counts.reindex(columns=range(-1, int(events["epochs"].max())), fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    long = shares.reset_index().melt(keys, var_name="epoch")
    return estimate(long[long["epoch"] < long["epochs"]], [*TREATMENT, "system", "view", "noisy", "epoch"])


def forgetting(events: pd.DataFrame) -> pd.DataFrame:
    """Return how many words were forgotten at least once, never, learned at all, and forgotten of those learned.

    The columns of the paper's table 1: forgettable, unforgettable, learned, and `ratio`, the first over the third.
    """
    run = [*TREATMENT, "system", "view", "noisy", "draw", "seed"]
    counted = events.assign(
        forgettable=events["words"].where(events["forgotten"], 0),
        unforgettable=events["words"].where(~events["forgotten"], 0),
        learned=events["words"].where(events["first_learned"] >= 0, 0),
    )
    names = ["forgettable", "unforgettable", "learned"]
    totals = counted.groupby(run, dropna=False)[names].sum()
    totals["ratio"] = totals["forgettable"] / totals["learned"]
    long = totals.reset_index().melt(run, var_name="metric").dropna(subset="value")
    return estimate(long, [*TREATMENT, "system", "view", "noisy", "metric"])
