"""Train and dev F1 of the capped class by epoch and number of sentences kept (the paper's figure 4, appendix J)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import holding, one_view
from settling.analysis.wording import in_words
from settling.figures import end_labels, selection, style
from settling.figures.selection import Tables

TITLE = "F1 of the capped class over the epochs"
QUESTION = "Does a model fit the few examples of a class without generalising from them?"
READING = (
    f"Each curve is F1 of a class by epoch. {style.KEPT_IS_COLOUR} The left panel is F1 on the training words "
    "that were kept, the right one F1 on dev. Where the lines lie together on the left and apart on the right, the "
    "model fits its few examples and does not generalise from them."
)

TRAIN, DEV = "train, the sentences kept", "dev"


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set, system and capped class, a line for each cap, and a grey one for all sentences."""
    curves = holding(tables["curves"], metric="f1")
    train = one_view(holding(curves, split="train", reference="given")).assign(scored=TRAIN)
    dev = one_view(holding(curves, split="dev", reference="true")).assign(scored=DEV)
    scores = selection.of_capped_class(selection.by_cap(pd.concat([train, dev]), "cap"))
    frame = selection.needed(scores, "F1 of a capped class")
    drawn = ["panel", "scored", "kept", "epoch", "view", "mean", "low", "high", "n"]

    pick = style.picking("kept")
    ends = end_labels.placed(frame, ["panel", "scored"], "kept")
    base = alt.Chart().encode(color=style.cap_colour(frame["cap_sentences"], legend=ends.empty))
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
    if len(ends):
        layers.append(end_labels.label_layer(base, style.share("end", "F1 of the capped class"), "kept:N", pick))
    layered = alt.layer(*layers, data=pd.concat([frame[drawn], ends]))
    notes = [style.over_runs(frame), *end_labels.note(ends, style.KEPT), style.GREY_IS_ALL]
    return style.in_rows(layered, frame, "scored", [TRAIN, DEV]), [*notes, *selection.undefined(scores)]


def sentences(tables: Tables) -> list[str]:
    """Say where train and dev F1 of the capped class end, with fewest, most and all of its sentences."""
    curves = holding(tables["curves"], metric="f1")
    train = one_view(holding(curves, split="train", reference="given"))
    dev = one_view(holding(curves, split="dev", reference="true"))
    frame = selection.of_capped_class(selection.by_cap(pd.concat([train, dev]), "cap"))
    frame = frame[frame["epoch"] == frame.groupby(["dataset", "system", "treatment"])["epoch"].transform("max")]
    texts = []
    for (dataset, system, capped), rows in frame.groupby(["dataset", "system", "capped"]):
        parts = []
        for kept in selection.few_many_all(rows):
            of_train, of_dev = (holding(rows, kept=kept, split=split) for split in ("train", "dev"))
            if len(of_train) and len(of_dev):
                parts.append(f"with {kept}, {in_words(of_train.iloc[0])} and {in_words(of_dev.iloc[0])}")
        if parts:
            texts.append(
                f"{system} on {dataset}: F1 of {capped} on train and on dev at the last epoch is, by sentences kept, "
                f"{'; '.join(parts)}."
            )
    return texts
