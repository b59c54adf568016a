"""Train and dev F1 of the capped class by epoch and number of sentences kept (the paper's figure 4, appendix J)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import holding, one_view
from settling.figures import end_labels, selection, style

TRAIN, DEV = "train, the sentences kept", "dev"


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a row for each data set, system and capped class, a line for each cap; grey: training on all sentences."""
    curves = holding(tables["curves"], metric="f1")
    train = one_view(holding(curves, split="train", reference="given")).assign(scored=TRAIN)
    dev = one_view(holding(curves, split="dev", reference="true")).assign(scored=DEV)
    scores = selection.of_capped_class(selection.by_cap(pd.concat([train, dev]), "cap"))
    frame = selection.needed(scores, "F1 of a capped class")
    drawn = ["panel", "scored", "kept", "epoch", "view", "mean", "low", "high", "n"]

    pick = style.picking("kept")
    base = alt.Chart().encode(color=style.cap_colour(frame["cap_sentences"]))
    curve = style.interval_text(base.transform_filter("isValid(datum.mean)")).encode(
        x=style.epochs(),
        tooltip=style.tooltip(
            alt.Tooltip("kept:N", title="sentences kept"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    band = style.band(curve, style.share("low", "F1 of the capped class"), pick)
    line = curve.mark_line(clip=True, strokeWidth=1.8).encode(y="mean:Q", opacity=style.faded(pick))
    layers = [band, line.add_params(pick, style.zooming())]
    ends = end_labels.placed(frame, ["panel", "scored"], "kept")
    if len(ends):
        layers.append(end_labels.layer(base, style.share("end", "F1 of the capped class"), "kept:N", pick))
    layered = alt.layer(*layers, data=pd.concat([frame[drawn], ends]))
    faceted = layered.facet(row=style.rows(frame), column=style.columns("scored", [TRAIN, DEV]))
    return style.finished(faceted, figure, style.over_runs(frame), style.GREY_IS_ALL, *selection.undefined(scores))
