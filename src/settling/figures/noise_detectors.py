"""How well each detector finds the wrongly labelled words (the paper's appendix E, and more detectors)."""

import altair as alt
import numpy as np
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import in_words
from settling.detectors import DETECTORS, detector_of
from settling.figures import selection, style
from settling.figures.selection import Tables

TITLE = "How well wrong labels are found"
QUESTION = "Can the wrong labels be found from one training run alone?"


def spoken_of(name: str) -> str:
    """Return a sentence that says what a detector does, and where it comes from."""
    detector = detector_of(name)
    return f"{name} {detector.phrase}{f' ({detector.source})' if detector.source else ''}."


READING = (
    "A dot is a detector on the runs of a system (colour). It reads a run up to a selected epoch (shape). The first "
    "column is F1 when a detector calls as many words noisy as there are. The second is F1 when it estimates their "
    "number without knowing the noise, or has a threshold of its own. The third is the area under the ROC curve, "
    "the fourth average precision. Detectors are sorted by their mean F1, the best first. The scale is logarithmic in "
    "what a score lacks of 1, so that good scores are far enough apart to compare. A dashed line is the baseline "
    "without a model on the runs of its system, and what is right of it beats it. "
    f"{' '.join(spoken_of(name) for name in DETECTORS)}"
)

# They know of a word only the label it was given, so no training.
BASELINES = [name for name in DETECTORS if detector_of(name).reads == "the given label"]
SHAPES = ["circle", "square", "triangle-up", "diamond"]
# The column by rate and metric; detectors with an estimated rate and with one of their own share a column.
SCORES = {
    ("known", "f1"): "F1 at the known rate",
    ("estimated", "f1"): "F1 at estimated or own rate",
    ("own", "f1"): "F1 at estimated or own rate",
    ("any", "auroc"): "AUROC",
    ("any", "average_precision"): "Average precision",
}
SHAPE_LEGEND = alt.Legend(orient="top", labelLimit=0)
BASELINE_NOTE = "Dashed, to be beaten: each label but O is suspect, which needs no model."
NO_BASELINE_NOTE = "There is no baseline: it suspects each label but O, and these data sets have no O."
LACKING = {"lacking": "mean", "most": "low", "least": "high"}
BETWEEN = 20  # pixels between columns
TICKS = (0, 0.5, 0.8, 0.95, 0.99)
BEST = 0.998  # what is better is drawn here, as a logarithm has no end
LANE, LEAST_ROW = 7, 15  # pixels of a system within a detector's row, and of a row
NAMES_WIDTH = 110  # pixels


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set and kind of noise, a column for each score: a dot a system and selected epoch."""
    detection = one_view(defined(tables["detection"]))
    columns = pd.DataFrame([(*pair, column) for pair, column in SCORES.items()], columns=["rate", "metric", "scored"])
    scores = selection.by_noise(detection.merge(columns, on=["rate", "metric"]))
    scores = selection.needed(scores, "both wrongly and cleanly labelled training words")
    several = scores["noise"].nunique() > 1
    scores = scores.assign(panel=scores["dataset"] + ("\n" + scores["noise"] + " noise" if several else ""))
    frame, level, note = style.one_level(scores)
    frame = frame.assign(
        when=frame["selected_epoch"].map(selection.SELECTED_EPOCHS), baseline=frame["detector"].isin(BASELINES)
    )
    selected_epochs = [words for words in selection.SELECTED_EPOCHS.values() if words in set(frame["when"])]
    f1 = frame[(frame["metric"] == "f1") & ~frame["baseline"]].groupby("detector")["mean"].mean()
    order = f1.sort_values(ascending=False).index.tolist()
    lacking = (1 - frame[["mean", "low", "high"]]).clip(lower=1 - BEST).to_numpy()

    pick = style.picking("system")
    base = (
        style.interval_text(alt.Chart())
        .transform_calculate(**{field: f"max({1 - BEST:.3f}, 1 - datum.{of})" for field, of in LACKING.items()})
        .encode(
            x=alt.X("lacking:Q", title="Score, log scale")
            .scale(type="log", domain=[np.nanmax(lacking) * 1.1, np.nanmin(lacking) / 1.1], nice=False)
            .axis(alt.Axis(values=[round(1 - tick, 2) for tick in TICKS], labelExpr="format(1 - datum.value, '.2~f')")),
            color=style.system_colour(frame["system"], tables["systems"], symbol="circle"),
            tooltip=style.tooltip(
                alt.Tooltip("detector:N"),
                alt.Tooltip("system:N"),
                alt.Tooltip("when:N", title="reads the run"),
                alt.Tooltip("rate:N", title="rate"),
                alt.Tooltip("percent:O", title="noise, %"),
                alt.Tooltip("view:N", title="predictions taken"),
            ),
        )
    )
    in_lanes = base.transform_filter("!datum.baseline").encode(
        y=alt.Y("detector:N", sort=order, title=None).axis(grid=True, domain=False, ticks=False, minExtent=NAMES_WIDTH),
        yOffset=alt.YOffset("system:N"),
    )
    # It is the same at all selected epochs.
    beaten = f"datum.baseline && datum.rate != 'estimated' && datum.when == '{selected_epochs[0]}'"
    line = base.transform_filter(beaten).mark_rule(clip=True, strokeDash=[4, 3], strokeWidth=1.4)
    line = line.encode(opacity=style.faded(pick))
    bar = in_lanes.transform_filter("isValid(datum.low)").mark_rule(clip=True)
    bar = bar.encode(x="most:Q", x2="least:Q", opacity=style.faded(pick, 0.5))
    shape = alt.Shape("when:N", title="The detector reads the run", legend=SHAPE_LEGEND).scale(
        domain=selected_epochs, range=SHAPES[: len(selected_epochs)]
    )
    dot = in_lanes.mark_point(clip=True, filled=True, size=30).encode(shape=shape, opacity=style.faded(pick))
    scored = [*dict.fromkeys(SCORES.values())]
    width = style.panel_width(len(scored), names=frame["panel"])
    drawn = ["panel", "scored", "detector", "system", "when", "rate", "percent", "highest", "baseline", "view"]
    drawn += ["mean", "low", "high", "n"]
    parts: list[alt.FacetChart] = []
    # Each row is a chart of its own, so that it has lanes for its own systems alone.
    for _, rows in frame.groupby(scores["panel"]):
        tall = len(order) * max(LEAST_ROW, LANE * rows["system"].nunique())
        # One selection, which the first part holds, fades all.
        layered = alt.layer(bar if parts else bar.add_params(pick, level), line, dot)
        column = style.columns("scored", scored) if not parts else style.columns("scored", scored).header(None)
        panel = layered.properties(width=width, height=tall, data=rows[drawn])
        faceted = panel.facet(row=style.rows(), column=column, spacing=BETWEEN)
        parts.append(faceted.transform_filter(style.LEVEL_CHOSEN))
    return alt.vconcat(*parts, spacing=12).resolve_scale(yOffset="independent"), [
        style.over_runs(frame, "Dot", "Bar"),
        "Known rate: as many words are called noisy as are.",
        BASELINE_NOTE if frame["baseline"].any() else NO_BASELINE_NOTE,
        *note,
    ]


def sentences(tables: Tables) -> list[str]:
    """Say how the paper's detector does at the highest level of noise, and which does best in hindsight."""
    scores = selection.by_noise(one_view(defined(holding(tables["detection"], metric="f1"))))
    texts = []
    for _, rows in scores[scores["percent"] > 0].groupby("panel"):
        most = selection.most_noise(rows)
        paper = holding(most, detector="kmeans", selected_epoch="epoch-4", rate="own")
        known = holding(most, rate="known").sort_values(
            ["mean", "detector", "selected_epoch"], ascending=[False, True, True]
        )
        parts = [f"the paper's k-means after 4 epochs has F1 {in_words(paper.iloc[0])}"] if len(paper) else []
        if len(known):
            best = known.iloc[0]
            parts.append(
                f"in hindsight the highest F1 at the known rate is {in_words(best)}, of {best['detector']} "
                f"{selection.SELECTED_EPOCHS[best['selected_epoch']]}"
            )
        if parts:
            texts.append(f"{selection.subject_at_noise(most)}: {'; '.join(parts)}.")
    return texts
