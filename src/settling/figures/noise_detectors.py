"""How well each detector finds the wrongly labelled words (the paper's appendix E, and more detectors)."""

import altair as alt
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
    "A dot is a detector at one level of noise (colour). It reads the run up to a selected epoch (shape). The first "
    "column is F1 when a detector calls as many words noisy as there are. The second is F1 when it estimates their "
    "number without knowing the noise, or has a threshold of its own. The third is the area under the ROC curve, "
    f"the fourth average precision. {' '.join(spoken_of(name) for name in DETECTORS)}"
)

SHAPES = ["circle", "square", "triangle-up", "diamond"]
# The column by rate and metric; detectors with an estimated rate and with one of their own share a column.
SCORES = {
    ("known", "f1"): "F1 at the known rate",
    ("estimated", "f1"): "F1 at an estimated or its own rate",
    ("own", "f1"): "F1 at an estimated or its own rate",
    ("any", "auroc"): "AUROC",
    ("any", "average_precision"): "Average precision",
}
DOT_STEP = 6  # pixels
NAMES_WIDTH = 95  # pixels; the same in all rows, which have detectors of their own


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set, system and kind of noise: a dot for each detector, selected epoch and level."""
    detection = one_view(defined(tables["detection"]))
    columns = pd.DataFrame([(*pair, column) for pair, column in SCORES.items()], columns=["rate", "metric", "scored"])
    scores = selection.by_noise(detection.merge(columns, on=["rate", "metric"]))
    scores = selection.needed(scores, "both wrongly and cleanly labelled training words")
    frame = scores.assign(when=scores["selected_epoch"].map(selection.SELECTED_EPOCHS))
    drawn = ["panel", "scored", "detector", "when", "rate", "percent", "view", "mean", "low", "high", "n"]

    order = [name for name in DETECTORS if name in set(frame["detector"])]
    pick = style.picking("percent")
    selected_epochs = [
        words
        for selected_epoch, words in selection.SELECTED_EPOCHS.items()
        if selected_epoch in set(frame["selected_epoch"])
    ]
    base = style.interval_text(alt.Chart()).encode(
        y=alt.Y("detector:N", sort=order, title=None).axis(grid=True, domain=False, ticks=False, minExtent=NAMES_WIDTH),
        yOffset=alt.YOffset("when:N", sort=selected_epochs),
        color=style.noise_colour(frame["percent"]),
        tooltip=style.tooltip(
            alt.Tooltip("detector:N"),
            alt.Tooltip("when:N", title="reads the run"),
            alt.Tooltip("rate:N", title="rate"),
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )

    def score(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=None).scale(domain=[-0.02, 1.02], nice=False)

    bar = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(clip=True)
        .encode(x=score("low"), x2="high:Q", opacity=style.faded(pick, 0.5))
    )
    shape = alt.Shape("when:N", title="The detector reads the run", legend=style.SECOND).scale(
        domain=selected_epochs, range=SHAPES[: len(selected_epochs)]
    )
    dot = base.mark_point(clip=True, filled=True, size=26).encode(
        x=score("mean"), shape=shape, opacity=style.faded(pick)
    )
    scored = [*dict.fromkeys(SCORES.values())]
    parts: list[alt.FacetChart] = []
    # Each row is a chart of its own, so that a system has no lines for detectors that it lacks.
    for panel, rows in frame.groupby("panel"):
        # One selection, which the first part holds, fades all.
        layered = alt.layer(bar if parts else bar.add_params(pick), dot, data=rows[drawn])
        title = alt.Title(" · ".join(str(panel).split("\n")), fontSize=11, offset=4)
        column = style.columns("scored", scored) if not parts else style.columns("scored", scored).header(None)
        parts.append(layered.properties(width=150, height=alt.Step(DOT_STEP)).facet(column=column, title=title))
    return alt.vconcat(*parts, spacing=12), [
        style.over_runs(frame, "Dot", "Bar"),
        "Known rate: as many words are called noisy as are.",
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
