"""Dev F1 against the number of sentences kept of a class (the paper's figures 6 and 7)."""

from collections.abc import Callable
from itertools import product

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import in_words, listed
from settling.figures import selection, style
from settling.figures.selection import Tables
from settling.treatments import KINDS, kind_of

TITLE = "F1 when a class is scarce"
QUESTION = "How many sentences does a class need to be predicted at all, and when do more stop helping?"
READING = (
    "The figure sets F1 on dev, at each run's epoch of best dev F1, against the number of training sentences kept "
    "that hold a class. On the left is F1 of that class, on the right F1 of all classes. Dotted lines are the same "
    "system on all sentences, over all its clean runs. Marks below zero show two numbers of sentences for each "
    "system. From the triangle on the class is being learned: its F1 is at least 10 % of its F1 on clean data. From "
    "the square on it has levelled off: its F1 is at least 90 % of that. A mark is the mean over the runs that get "
    "there, and is missing where none does. Removing sentences also removes other entities. Where the study has "
    "control arms, their gaps to the cap tell scarcity of the class from loss of data. One arm keeps all sentences "
    "and sets the surplus mentions of the class to O. The other removes as many sentences without the class."
)

MARKS = "Mark"
LEGEND = alt.Legend(orient="top", columns=1, labelLimit=0, symbolFillColor=style.MUTED, symbolStrokeWidth=0)
SCORED = ["F1 of the capped class", "F1 of all classes"]
THRESHOLDS = {"starts": "starts to be learned", "levels": "levels off"}
BELOW = {quantity: f"below 0: the class {words}" for quantity, words in THRESHOLDS.items()}
ARM_SHAPES, THRESHOLD_SHAPES = ["circle", "diamond", "triangle-up"], ["triangle-right", "square"]


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set and capped class: F1 of that class, and of all; dotted: clean training."""
    dev_f1 = holding(tables["summary"], selected_epoch="best", split="dev", reference="true", metric="f1")
    every = by_score(selection.by_cap(one_view(dev_f1), "cap", "control"))
    capped = selection.needed(every[every["cap_sentences"].notna()], "dev F1 under a cap")
    scores = defined(every)
    marks = threshold_marks(tables["caps"], scores)
    named = {kind: f"{kind}: {kind_of(kind).phrase}" for kind in KINDS if kind in set(capped["kind"])}
    frame = pd.concat([scores.assign(arm=scores["kind"].map(named)), marks])
    drawn = ["panel", "scored", "system", "arm", "cap_sentences", "mean", "low", "high", "n"]
    drawn += ["height", "at", "first", "last", "who"] if len(marks) else []

    pick = style.picking("system")
    kept = sorted({int(number) for number in capped["cap_sentences"]})
    arms = list(named.values())
    base = style.interval_text(alt.Chart(frame[drawn])).encode(
        color=style.system_colour(frame["system"], tables["systems"])
    )
    arm = base.transform_filter("isValid(datum.cap_sentences)").encode(
        x=style.sentences_kept(kept),
        tooltip=style.tooltip(
            alt.Tooltip("system:N"),
            alt.Tooltip("arm:N"),
            alt.Tooltip("cap_sentences:Q", title="sentences kept"),
        ),
    )
    below = [text for text in BELOW.values() if text in set(frame["arm"])]
    shape = alt.Shape("arm:N", title=MARKS, legend=LEGEND).scale(
        domain=[*arms, *below], range=[*ARM_SHAPES[: len(arms)], *THRESHOLD_SHAPES[: len(below)]]
    )
    dash = alt.StrokeDash("arm:N", legend=None).scale(domain=arms, range=[[1, 0], [6, 3], [2, 2]][: len(arms)])
    lowest = float(marks["height"].min()) - style.LANE / 2 if len(marks) else style.LOWEST

    def f1(field: str) -> alt.Y:
        return style.share(field, "F1 on dev", lowest)

    bar = (
        arm.transform_filter("isValid(datum.low)")
        .mark_rule(clip=True, strokeWidth=1.2)
        .encode(y=f1("low"), y2="high:Q", opacity=style.faded(pick, 0.7))
    )
    line = arm.mark_line(clip=True, strokeWidth=1.8).encode(y=f1("mean"), strokeDash=dash, opacity=style.faded(pick))
    point = arm.mark_point(clip=True, filled=True, size=40).encode(y=f1("mean"), shape=shape, opacity=style.faded(pick))
    reference = (
        base.transform_filter("!isValid(datum.cap_sentences) && isValid(datum.mean)")
        .mark_rule(clip=True, strokeDash=[1, 3], strokeWidth=1.6)
        .encode(y=f1("mean"), opacity=style.faded(pick), tooltip=style.tooltip(alt.Tooltip("system:N")))
    )
    layers = [reference, bar, line, point.add_params(pick, style.zooming())]
    notes = [style.over_runs(capped, interval="Bar"), style.DOTTED_IS_ALL]
    if len(marks):
        layers += threshold_layers(base, f1, kept, shape, pick)
        notes.append("Below 0: the number of sentences under cap, the mean over the runs that get there.")
    layered = alt.layer(*layers).properties(height=style.height(lowest))
    return style.in_rows(layered, frame, "scored", SCORED), [*notes, *selection.undefined(every)]


def by_score(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the scores of the capped class and of all classes, named in `scored`."""
    of_class, of_all = frame["class"] == frame["capped"], frame["class"] == "all"
    return pd.concat([frame[of_class].assign(scored=SCORED[0]), frame[of_all].assign(scored=SCORED[1])])


def threshold_marks(caps: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the marks of where each class starts to be learned and levels off: `at`, and `first` to `last`."""
    thresholds = caps[(caps["family"] == "cap") & caps["mean"].notna() & caps["quantity"].isin(list(THRESHOLDS))]
    thresholds = thresholds.merge(scores[["dataset", "system"]].drop_duplicates(), on=["dataset", "system"])
    # A class can start and level at one number, so each sort of mark has its own lane.
    lanes = {lane: number for number, lane in enumerate(product(sorted(set(thresholds["system"])), THRESHOLDS), 1)}
    return pd.DataFrame(
        {
            "panel": thresholds["dataset"] + "\ncapped: " + thresholds["cap_class"],
            "scored": SCORED[0],
            "system": thresholds["system"],
            "arm": thresholds["quantity"].map(BELOW),
            "height": [
                -style.LANE * lanes[lane] for lane in zip(thresholds["system"], thresholds["quantity"], strict=True)
            ],
            "at": thresholds["mean"],
            "first": thresholds["low"],
            "last": thresholds["high"],
            "who": thresholds["n"].astype(str) + " of " + thresholds["runs"].astype(str),
        }
    )


def threshold_layers(
    base: alt.Chart, f1: Callable[[str], alt.Y], kept: list[int], shape: alt.Shape, pick: alt.Parameter
) -> list[alt.Chart]:
    """Return the layers that draw the rows of `threshold_marks`."""
    mark = base.transform_filter("isValid(datum.at)")
    bar = mark.transform_filter("isValid(datum.first)").mark_rule(clip=True)
    tooltip = [
        alt.Tooltip("system:N"),
        alt.Tooltip("at:Q", title="sentences kept, mean", format=".1f"),
        alt.Tooltip("first:Q", title="interval from", format=".1f"),
        alt.Tooltip("last:Q", title="to", format=".1f"),
        alt.Tooltip("who:N", title="runs that get there"),
    ]
    return [
        bar.encode(x=style.sentences_kept(kept, "first"), x2="last:Q", y=f1("height"), opacity=style.faded(pick, 0.7)),
        mark.mark_point(clip=True, filled=True, size=45).encode(
            x=style.sentences_kept(kept, "at"),
            y=f1("height"),
            shape=shape,
            opacity=style.faded(pick),
            tooltip=tooltip,
        ),
    ]


def sentences(tables: Tables) -> list[str]:
    """Say what dev F1 of the class is with fewest, most and all sentences, and where it starts and levels off."""
    dev_f1 = holding(tables["summary"], selected_epoch="best", split="dev", reference="true", metric="f1")
    scores = selection.of_capped_class(selection.by_cap(one_view(dev_f1), "cap"))
    caps = holding(tables["caps"], family="cap")
    texts = []
    for (dataset, system, capped), rows in scores.groupby(["dataset", "system", "capped"]):
        if rows["mean"].isna().all():
            texts.append(f"{system} on {dataset}: dev F1 of {capped} is {in_words(rows.iloc[0])}.")
            continue
        parts = [f"{in_words(holding(rows, kept=kept).iloc[0])} with {kept}" for kept in selection.few_many_all(rows)]
        text = f"{system} on {dataset}: dev F1 of {capped}, by sentences kept, is {listed(parts)}"
        of_class = holding(caps, dataset=dataset, system=system, cap_class=capped)
        for quantity, words in THRESHOLDS.items():
            for _, threshold in holding(of_class, quantity=quantity).iterrows():
                where = f"at {threshold['mean']:.0f} sentences" if threshold["n"] else "at none of these numbers"
                text += f"; it {words} {where} ({int(threshold['n'])} of {int(threshold['runs'])} runs)"
        texts.append(f"{text}.")
    return texts
