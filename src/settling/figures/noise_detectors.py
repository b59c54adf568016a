"""How well each detector finds the wrongly labelled words (the paper's appendix E, and more detectors)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, one_view
from settling.figures import selection, style

MOMENTS = {
    "epoch-4": "after 4 epochs",
    "best": "at the best dev F1",
    "settled": "at the end of settling",
    "final": "at the end",
}
SHAPES = ["circle", "square", "triangle-up", "diamond"]
# By rate and metric; what needs no knowledge of the noise is one column.
COLUMNS = {
    ("known", "f1"): "F1 at the known rate",
    ("estimated", "f1"): "F1 at an estimated or its own rate",
    ("own", "f1"): "F1 at an estimated or its own rate",
    ("any", "auroc"): "AUROC",
    ("any", "average_precision"): "Average precision",
}
# As in docs/detectors.md; the paper's first.
ORDER = (
    "kmeans",
    "class-means",
    "loss",
    "loss-mean",
    "confidence",
    "variability",
    "area-under-margin",
    "forgetting",
    "first-learned",
    "self-confidence",
    "normalized-margin",
    "entity-label",
)
LANE = 6  # pixels
NAMES_WIDTH = 95  # pixels; the same in all rows, which have detectors of their own


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a row for each data set, system and kind of noise: a dot for each detector, moment and level."""
    found = one_view(defined(tables["detection"]))
    columns = pd.DataFrame([(*pair, column) for pair, column in COLUMNS.items()], columns=["rate", "metric", "scored"])
    scores = selection.by_noise(found.merge(columns, on=["rate", "metric"]))
    scores = selection.needed(scores, "both wrongly and cleanly labelled training words")
    frame = scores.assign(when=scores["moment"].map(MOMENTS))
    drawn = ["panel", "scored", "detector", "when", "rate", "percent", "view", "mean", "low", "high", "n"]

    pick = style.picking("percent")
    moments = [words for moment, words in MOMENTS.items() if moment in set(frame["moment"])]
    base = style.interval_text(alt.Chart()).encode(
        y=alt.Y("detector:N", sort=ORDER, title=None).axis(grid=True, domain=False, ticks=False, minExtent=NAMES_WIDTH),
        yOffset=alt.YOffset("when:N", sort=moments),
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
        domain=moments, range=SHAPES[: len(moments)]
    )
    dot = base.mark_point(clip=True, filled=True, size=26).encode(
        x=score("mean"), shape=shape, opacity=style.faded(pick)
    )
    scored = [*dict.fromkeys(COLUMNS.values())]
    parts: list[alt.FacetChart] = []
    # A part for each row, so that a system has no lines for detectors that it lacks.
    for panel, rows in frame.groupby("panel"):
        # One selection, which the first part holds, fades all.
        layered = alt.layer(bar if parts else bar.add_params(pick), dot, data=rows[drawn])
        title = alt.Title(" · ".join(str(panel).split("\n")), fontSize=11, offset=4)
        column = style.columns("scored", scored) if not parts else style.columns("scored", scored).header(None)
        parts.append(layered.properties(width=150, height=alt.Step(LANE)).facet(column=column, title=title))
    return style.finished(
        alt.vconcat(*parts, spacing=12),
        figure,
        style.over_runs(frame, "Dot", "Bar"),
        "Known rate: as many words are called noisy as are.",
    )
