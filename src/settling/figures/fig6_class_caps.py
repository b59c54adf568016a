"""Dev F1 against the number of sentences kept of a class (the paper's figures 6 and 7)."""

import altair as alt
import pandas as pd

from settling.figures import style

ARMS = {
    "cap": "cap: removed",
    "cap-relabel": "cap-relabel: set to O",
    "drop": "drop: kept, others removed",
}
OTHERS = "Its other sentences"
ARM_LEGEND = alt.Legend(orient="top", labelLimit=0, symbolFillColor=style.MUTED, symbolStrokeWidth=0)
SCORED = ["F1 of the capped class", "F1 of all classes"]


def chart(tables: dict[str, pd.DataFrame]) -> alt.TopLevelMixin:
    """Draw a row for each data set and capped class: F1 of that class, and of all; dots: clean training."""
    dev_f1 = style.matching(tables["summary"], moment="final", split="dev", reference="true", metric="f1")
    scores = style.one_view(dev_f1)
    capped = scores[scores["kind"].isin(ARMS)].rename(columns={"cap_class": "capped"})
    places = capped[["dataset", "system", "capped"]].drop_duplicates()
    clean = scores[scores["kind"] == "clean"].merge(places, on=["dataset", "system"])
    capped, clean = by_score(capped), by_score(clean)
    style.needed(capped, "summary", "dev F1 of capped treatments at the final epoch")
    frame = pd.concat([capped, clean])
    frame["arm"] = frame["kind"].map(ARMS)
    drawn = ["panel", "scored", "system", "arm", "cap_sentences", "mean", "low", "high", "n"]

    pick = style.picking("system")
    kept = sorted({int(number) for number in capped["cap_sentences"]})
    arms = [words for kind, words in ARMS.items() if kind in set(capped["kind"])]
    base = style.interval_text(alt.Chart(frame[drawn])).encode(color=style.system_colour(frame["system"]))
    arm = base.transform_filter("isValid(datum.cap_sentences)").encode(
        x=alt.X("cap_sentences:Q", title="Sentences kept (root scale)")
        .scale(type="sqrt", nice=False, padding=8)
        .axis(values=kept, labelOverlap="greedy", grid=False),
        tooltip=style.tooltip(
            alt.Tooltip("system:N"),
            alt.Tooltip("arm:N"),
            alt.Tooltip("cap_sentences:Q", title="sentences kept"),
        ),
    )
    shape = alt.Shape("arm:N", title=OTHERS, legend=ARM_LEGEND).scale(
        domain=arms, range=["circle", "square", "triangle-up"][: len(arms)]
    )
    dash = alt.StrokeDash("arm:N", title=OTHERS, legend=ARM_LEGEND).scale(
        domain=arms, range=[[1, 0], [6, 3], [2, 2]][: len(arms)]
    )
    f1 = style.share("mean", "Entity F1 on dev")
    bar = (
        arm.transform_filter("isValid(datum.low)")
        .mark_rule(clip=True, strokeWidth=1.2)
        .encode(y=style.share("low", "Entity F1 on dev"), y2="high:Q", opacity=style.faded(pick, 0.7))
    )
    line = arm.mark_line(clip=True, strokeWidth=1.8).encode(y=f1, strokeDash=dash, opacity=style.faded(pick))
    point = arm.mark_point(clip=True, filled=True, size=40).encode(y=f1, shape=shape, opacity=style.faded(pick))
    reference = (
        base.transform_filter("!isValid(datum.cap_sentences)")
        .mark_rule(clip=True, strokeDash=[1, 3], strokeWidth=1.6)
        .encode(y=f1, opacity=style.faded(pick), tooltip=style.tooltip(alt.Tooltip("system:N")))
    )
    layers = alt.layer(reference, bar, line, point.add_params(pick, style.zooming()))
    faceted = layers.facet(row=style.rows(frame), column=style.columns("scored", SCORED))
    return style.finished(
        faceted,
        "fig6_class_caps",
        style.over_runs(capped).replace("Band", "Bar"),
        "Dots: the same system trained on all clean sentences.",
    )


def by_score(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the scores of the capped class and of all classes, with `scored` and `panel` (row label)."""
    of_class, of_all = frame["class"] == frame["capped"], frame["class"] == "all"
    both = pd.concat([frame[of_class].assign(scored=SCORED[0]), frame[of_all].assign(scored=SCORED[1])])
    return both.assign(panel=both["dataset"] + "\ncapped: " + both["capped"])
