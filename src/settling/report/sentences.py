"""What a figure shows, in sentences computed from the rows that it draws: one function for each form of figure.

Each takes the figure's tables, as `selection.chosen` leaves them, and returns a sentence for each panel, or none where
the tables hold nothing of the kind. Numbers are means over runs, with their interval and n.
"""

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view
from settling.analysis.wording import in_words, listed
from settling.figures import FIGURES, few_shot, selection
from settling.figures.tab2_full_data import test_scores
from settling.report.cap_sentences import capped_f1, capped_first_learned, class_caps
from settling.report.wording import half_learned, place

Tables = dict[str, pd.DataFrame]
NOTHING = "The tables hold no rows to say it from."
ONE_RUN = "One run each, so there is no interval, and no telling chance from effect."
TWO_RUNS = "No more than two runs each: too few for their intervals to be gone by."


def sentences(figure: str, tables: Tables) -> list[str]:
    """Return what a figure of the registry shows, from whole tables of a study by name; never empty."""
    entry = FIGURES[figure]
    shown = selection.chosen({name: tables[name] for name in entry.tables}, entry.needs)
    found = FORMS[entry.module.rpartition(".")[2]](shown)
    return [*found, *too_few(shown)] if found else [NOTHING]


def too_few(shown: Tables) -> list[str]:
    """Return the warning that goes with estimates over one or two runs, or none."""
    most = max((int(frame["n"].max()) for frame in shown.values() if "n" in frame and len(frame)), default=0)
    return {1: [ONE_RUN], 2: [TWO_RUNS]}.get(most, [])


def noise_f1(tables: Tables) -> list[str]:
    """Say where dev F1 is best and ends, and how far train F1 goes beyond that of the true labels."""
    curves = holding(tables["curves"], metric="f1", klass="all")
    dev = under_noise(holding(curves, split="dev", reference="true"))
    train = under_noise(holding(curves, split="train", reference="given"))
    settled = tables["treatments"].groupby(["dataset", "kind", "percent"])["settled_f1"].mean()
    found = []
    for panel, rows in dev.groupby("panel"):
        most = int(rows["percent"].max())
        if most == 0:
            continue
        noisy, clean = rows[rows["percent"] == most], rows[rows["percent"] == 0]
        text = f"{place(noisy)} at {most} % noise: dev F1 {best_and_last(noisy)}"
        of_train = train[(train["panel"] == panel) & (train["percent"] == most)]
        if len(of_train):
            text += f"; train F1 {'ends at ' if pd.notna(last(of_train)['mean']) else 'is '}{in_words(last(of_train))}"
            plateau = settled.get((noisy["dataset"].iloc[0], noisy["noise"].iloc[0], most))
            if pd.notna(plateau):
                text += f", where one that memorises no noise has {plateau:.2f}"
        if len(clean):
            text += f". With clean labels dev F1 {best_and_last(clean)}"
        found.append(f"{text}.")
    return found


def noisy_accuracy(tables: Tables) -> list[str]:
    """Say how the share of wrong labels that are given grows, and from when on it is above that of the true ones."""
    scores = under_noise(defined(holding(tables["curves"], metric="noisy_accuracy", split="train")))
    found = []
    for _, rows in scores[scores["percent"] > 0].groupby("panel"):
        most = int(rows["percent"].max())
        given, true = (holding(rows, percent=most, reference=name).sort_values("epoch") for name in ("given", "true"))
        if given.empty:
            continue
        epochs = f"epoch {int(given['epoch'].iloc[0])} and {in_words(last(given))} at the last"
        text = (
            f"{place(given)}: of the words with a wrong label at {most} % noise, {in_words(given.iloc[0])} get that "
            f"label at {epochs}"
        )
        found.append(f"{text}{overtakes(given, true)}.")
    return found


def overtakes(given: pd.DataFrame, true: pd.DataFrame) -> str:
    """Say from which epoch on the wrong label is given more often than the true one, in the mean, if known."""
    both = given.merge(true, on="epoch", suffixes=("", "_true"))
    if both.empty:
        return ""
    behind = both.loc[both["mean"] <= both["mean_true"], "epoch"]
    if behind.empty:
        return "; the wrong label is the more frequent from the first epoch on"
    if behind.max() == both["epoch"].max():
        return "; the true label is the more frequent to the end"
    return f"; the wrong label is the more frequent from epoch {int(behind.max()) + 1} on"


def f1_and_noisy_accuracy(tables: Tables) -> list[str]:
    """Say what the two figures that it is made of show."""
    return noise_f1(tables) + noisy_accuracy(tables)


def first_learned(tables: Tables) -> list[str]:
    """Say by which epoch half of the clean and of the noisy words have been right, and how many never were."""
    shares = under_noise(defined(holding(tables["first_learned"], klass="all")))
    found = []
    for _, rows in shares.groupby("panel"):
        most = rows[rows["percent"] == rows["percent"].max()]
        noisy, clean = most[most["noisy"]], most[~most["noisy"]]
        if noisy.empty or clean.empty:
            continue
        never = holding(noisy, epoch=-1)
        text = (
            f"{place(noisy)} at {int(noisy['percent'].iloc[0])} % noise: half of the cleanly labelled words have been "
            f"right once {half_learned(clean)}, of the wrongly labelled {half_learned(noisy)}"
        )
        found.append(f"{text}; {in_words(never.iloc[0])} of the latter never." if len(never) else f"{text}.")
    return found


def few_shot_class(tables: Tables) -> list[str]:
    """Say by how much ProtoBERT differs from its encoder in F1 of the capped class."""
    return differences(tables, "class")


def few_shot_all(tables: Tables) -> list[str]:
    """Say by how much ProtoBERT differs from its encoder in F1 of all classes."""
    return differences(tables, "all")


def differences(tables: Tables, of: Literal["class", "all"]) -> list[str]:
    """Say by how much ProtoBERT differs from its encoder at the fewest and the most sentences kept."""
    gaps = few_shot.cap_scores(few_shot.paired(tables["contrasts"], tables["systems"]), of)
    gaps = gaps[gaps["cap_sentences"].notna()]
    found = []
    for (dataset, capped, system, baseline), rows in gaps.groupby(["dataset", "capped", "system", "baseline_system"]):
        if rows["mean"].isna().all():
            found.append(f"{system} less {baseline} on {dataset}: F1 is {in_words(rows.iloc[0])}.")
            continue
        parts = [
            f"{in_words(row, signed=True)} with {int(row['cap_sentences'])} sentences of {capped}{against_zero(row)}"
            for row in ends(rows, "cap_sentences")
        ]
        found.append(f"{system} less {baseline} on {dataset}: F1 {'; '.join(parts)}.")
    return found


def against_zero(row: "pd.Series[Any]") -> str:
    """Say where the interval of a difference lies, if it has a value."""
    if pd.isna(row["mean"]):
        return ""
    if pd.isna(row["low"]):
        return ", of one run"
    if row["low"] <= 0 <= row["high"]:
        return ", an interval that holds 0"
    return ", an interval above 0" if row["low"] > 0 else ", an interval below 0"


def forgetting(tables: Tables) -> list[str]:
    """Say which system forgets least and which most of the words that it has learned."""
    ratios = defined(holding(tables["forgetting"], family="clean", noisy=False, metric="ratio", counting="words"))
    found = []
    for dataset, rows in one_view(ratios, "minibatch").groupby("dataset"):
        ordered = rows.sort_values(["mean", "system"])
        parts = [f"{row['system']} forgets {in_words(row)}" for row in ends(ordered, "mean")]
        words = "of the words that were right at least once"
        found.append(
            f"{dataset}: {parts[0]} {words}."
            if len(parts) == 1
            else f"{dataset}: {words}, {parts[0]}, the least, and {parts[1]}, the most."
        )
    return found


def full_data(tables: Tables) -> list[str]:
    """Say which system has the highest test F1, and whether the next one is apart from it."""
    found = []
    for dataset, rows in test_scores(tables["summary"], "f1").groupby("dataset"):
        ordered = rows.sort_values(["mean", "system"], ascending=[False, True])
        first = ordered.iloc[0]
        if pd.isna(first["mean"]):
            found.append(f"{dataset}: test F1 is {in_words(first)}.")
            continue
        text = f"{dataset}: the highest test F1 is that of {first['system']}, {in_words(first)}"
        if len(ordered) > 1:
            second = ordered.iloc[1]
            text += f"; next is {second['system']}, {in_words(second)}"
            if pd.notna(first["low"]) and pd.notna(second["high"]):
                text += f", and their intervals {'are apart' if first['low'] > second['high'] else 'overlap'}"
        found.append(f"{text}.")
    return found


def precision_recall(tables: Tables) -> list[str]:
    """Say of each system which of its precision and recall is the higher."""
    found = []
    for dataset, of_dataset in test_scores(tables["summary"], "precision", "recall").groupby("dataset"):
        if of_dataset["mean"].isna().all():
            found.append(f"{dataset}: test precision and recall are {in_words(of_dataset.iloc[0])}.")
            continue
        parts = []
        for system, rows in of_dataset.groupby("system"):
            precision, recall = (holding(rows, metric=name) for name in ("precision", "recall"))
            if len(precision) and len(recall):
                gap = precision["mean"].iloc[0] - recall["mean"].iloc[0]
                which = "equal to" if gap == 0 else "above" if gap > 0 else "below"
                parts.append(
                    f"{system} {in_words(precision.iloc[0])}, {which} its recall of {in_words(recall.iloc[0])}"
                )
        if parts:
            found.append(f"{dataset}: test precision of {listed(parts)}.")
    return found


def forgotten_words(tables: Tables) -> list[str]:
    """Say which word each system forgets most often on clean data."""
    words = tables["words"]
    words = words[(words["list"] == "most-forgotten") & (words["rank"] == 1) & (words["family"] == "clean")]
    first = one_view(words, "minibatch").merge(tables["quotes"], on=["dataset", "sentence", "position"])
    return [
        f"{word['system']} on {word['dataset']}: most often forgotten is “{word['token']}” ({word['label']}), "
        f"{word['forgetting']:.1f} times in the mean (n={word['n']})."
        for word in first.sort_values(["dataset", "system"]).to_dict("records")
    ]


def noise_detectors(tables: Tables) -> list[str]:
    """Say how the paper's detector does at the highest level of noise, and which does best in hindsight."""
    scores = under_noise(defined(holding(tables["detection"], metric="f1")))
    found = []
    for _, rows in scores[scores["percent"] > 0].groupby("panel"):
        most = rows[rows["percent"] == rows["percent"].max()]
        paper = holding(most, detector="kmeans", moment="epoch-4", rate="own")
        known = holding(most, rate="known").sort_values(["mean", "detector", "moment"], ascending=[False, True, True])
        parts = [f"the paper's k-means after 4 epochs has F1 {in_words(paper.iloc[0])}"] if len(paper) else []
        if len(known):
            best = known.iloc[0]
            parts.append(
                f"in hindsight the highest F1 at the known rate is {in_words(best)} ({best['detector']}, "
                f"{best['moment']})"
            )
        if parts:
            found.append(f"{place(most)} at {int(most['percent'].iloc[0])} % noise: {'; '.join(parts)}.")
    return found


def loss_histograms(tables: Tables) -> list[str]:
    """Say how much of the losses of noisy and clean words lie on each other, early and at the end."""
    shares = under_noise(defined(tables["loss_histogram"]))
    found = []
    for _, rows in shares[shares["percent"] > 0].groupby("panel"):
        most = rows[rows["percent"] == rows["percent"].max()]
        parts = [
            f"{overlap(holding(most, moment=moment)):.2f} {when}"
            for moment, when in (("epoch-4", "after 4 epochs"), ("final", "at the end"))
            if moment in set(most["moment"])
        ]
        if parts:
            found.append(
                f"{place(most)} at {int(most['percent'].iloc[0])} % noise: the mean histograms of wrongly and cleanly "
                f"labelled words have in common {listed(parts)} of their area (n={int(most['n'].max())})."
            )
    return found


def overlap(histogram: pd.DataFrame) -> float:
    """Return the area that the mean histograms of noisy and of clean words have in common, from 0 to 1."""
    noisy, clean = (histogram[histogram["noisy"] == flag].set_index("low_edge")["mean"] for flag in (True, False))
    return float(pd.concat([noisy, clean], axis=1).min(axis=1, skipna=False).fillna(0).sum())


def phases(tables: Tables) -> list[str]:
    """Say how many runs settle at the least and the most noise, and for how long."""
    rows = under_noise(tables["phases"])
    found = []
    for _, of_panel in rows[rows["percent"] > 0].groupby("panel"):
        settles = holding(of_panel, quantity="settles")
        parts = []
        for row in ends(settles, "percent"):
            if pd.isna(row["mean"]):
                parts.append(f"at {int(row['percent'])} % noise settling is {in_words(row)}")
                continue
            number = round(row["mean"] * row["n"])
            text = (
                f"at {int(row['percent'])} % noise {number} of {int(row['n'])} run{'s' if row['n'] > 1 else ''} settle"
            )
            lengths = holding(of_panel, quantity="settling_epochs", percent=row["percent"])
            if number and len(lengths):
                text += f", in the mean over all for {in_words(lengths.iloc[0])} epochs"
            parts.append(text)
        if parts:
            found.append(f"{place(settles)}: {'; '.join(parts)}.")
    return found


def under_noise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in one view, by panel and percent, as the figures of noise show them."""
    return selection.by_noise(one_view(rows))


def last(curve: pd.DataFrame) -> "pd.Series[Any]":
    """Return the row of a curve's last epoch."""
    return curve.iloc[int(curve["epoch"].to_numpy().argmax())]


def best_and_last(curve: pd.DataFrame) -> str:
    """Say where a curve's mean is highest and where it ends, or that it is undefined."""
    if curve["mean"].isna().any():
        return f"is {in_words(curve[curve['mean'].isna()].iloc[0])}"
    best, end = curve.iloc[int(curve["mean"].to_numpy().argmax())], last(curve)
    if best["epoch"] == end["epoch"]:
        return f"is highest at the last epoch, {int(end['epoch'])}: {in_words(end)}"
    return f"is highest at epoch {int(best['epoch'])}, {in_words(best)}, and ends at {in_words(end)}"


FORMS: dict[str, Callable[[Tables], list[str]]] = {
    "fig1_noise_f1": noise_f1,
    "fig2_noisy_accuracy": noisy_accuracy,
    "f1_and_noisy_accuracy": f1_and_noisy_accuracy,
    "fig3_first_learned": first_learned,
    "fig4_capped_f1": capped_f1,
    "fig5_capped_first_learned": capped_first_learned,
    "fig6_class_caps": class_caps,
    "fig9_few_shot_class": few_shot_class,
    "fig10_few_shot_all": few_shot_all,
    "tab1_forgetting": forgetting,
    "tab2_full_data": full_data,
    "precision_recall": precision_recall,
    "forgotten_words": forgotten_words,
    "noise_detectors": noise_detectors,
    "loss_histograms": loss_histograms,
    "phases": phases,
}
