"""Train and dev entity F1 by epoch and noise level (the paper's figure 1, and its appendices B, C, I)."""

import altair as alt
import pandas as pd

from settling.figures import style

TRAIN, DEV = "train, against the given labels", "dev, against the true labels"


def chart(tables: dict[str, pd.DataFrame]) -> alt.TopLevelMixin:
    """Draw a row for each data set, system and kind of noise; dashes: F1 of the true labels themselves."""
    curves = style.matching(tables["curves"], metric="f1", klass="all")
    train = style.one_view(style.matching(curves, split="train", reference="given")).assign(scored=TRAIN)
    dev = style.one_view(style.matching(curves, split="dev", reference="true")).assign(scored=DEV)
    measured = style.by_noise(pd.concat([train, dev]))
    style.needed(measured, "curves", "train or dev F1 under noise")
    drawn = ["panel", "scored", "percent", "epoch", "view", "mean", "low", "high", "n"]
    frame = pd.concat([measured[drawn], settled(tables["treatments"], measured)])

    pick = style.picking("percent")
    base = alt.Chart().encode(color=style.noise_colour(frame["percent"]))
    curve = style.interval_text(base.transform_filter("isValid(datum.mean)")).encode(
        x=style.epochs(),
        tooltip=style.tooltip(
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    band = curve.mark_area(clip=True, stroke=None).encode(
        y=style.share("low", "Entity micro F1"),
        y2="high:Q",
        opacity=style.faded(pick, 0.2),
    )
    line = curve.mark_line(clip=True, strokeWidth=1.8, point={"size": 14}).encode(y="mean:Q", opacity=style.faded(pick))
    plateau = (
        base.transform_filter("isValid(datum.settled)")
        .mark_rule(clip=True, strokeDash=[5, 3], strokeWidth=1.2)
        .encode(
            y="settled:Q",
            opacity=style.faded(pick, 0.9),
            tooltip=[
                alt.Tooltip("percent:O", title="noise, %"),
                alt.Tooltip("settled:Q", title="F1 of the true labels", format=".3f"),
            ],
        )
    )
    layers = alt.layer(band, plateau, line.add_params(pick, style.zooming()), data=frame)
    faceted = layers.facet(row=style.rows(frame), column=style.columns("scored", [TRAIN, DEV]))
    return style.finished(
        faceted,
        "fig1_noise_f1",
        style.over_runs(measured),
        "Dashes: train F1 of a model that still gives every word its true label.",
    )


def settled(treatments: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return F1 of the true against the given labels, mean over draws, for each train panel and level."""
    noisy = treatments[treatments["kind"].isin(style.NOISE_KINDS)].rename(columns={"kind": "noise"})
    keys = ["dataset", "noise", "percent"]
    levels = noisy.groupby(keys, as_index=False)["settled_f1"].mean()
    shown = measured.loc[measured["scored"] == TRAIN, [*keys, "panel", "scored"]].drop_duplicates()
    return shown.merge(levels, on=keys)[["panel", "scored", "percent", "settled_f1"]].rename(
        columns={"settled_f1": "settled"}
    )
