"""Accuracy on the wrongly labelled training words alone (the paper's figure 2)."""

import altair as alt
import pandas as pd

from settling.figures import style

SAYS = {"given": "the wrong label it was given", "true": "the true label"}


def chart(tables: dict[str, pd.DataFrame]) -> alt.TopLevelMixin:
    """Draw the share of noisy words given their wrong label (solid) and their true label (dashed)."""
    accuracy = style.matching(tables["curves"], metric="noisy_accuracy", split="train")
    frame = style.by_noise(style.one_view(accuracy))
    frame = style.needed(frame[frame["percent"] > 0], "curves", "noisy_accuracy on train")
    frame = frame.assign(says=frame["reference"].map(SAYS))
    drawn = ["panel", "percent", "says", "epoch", "view", "mean", "low", "high", "n"]

    pick = style.picking("percent")
    order, title = [*SAYS.values()], "The model says"
    says = alt.StrokeDash("says:N", title=title, legend=style.SECOND).scale(domain=order, range=[[1, 0], [4, 3]])
    width = alt.StrokeWidth("says:N", title=title, legend=style.SECOND).scale(domain=order, range=[2, 1.1])
    curve = style.interval_text(alt.Chart(frame[drawn])).encode(
        x=style.epochs(),
        color=style.noise_colour(frame["percent"]),
        detail="says:N",
        tooltip=style.tooltip(
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("says:N", title="model says"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    band = curve.mark_area(clip=True, stroke=None).encode(
        y=style.share("low", "Share of noisy words"),
        y2="high:Q",
        opacity=style.faded(pick, 0.2),
    )
    line = curve.mark_line(clip=True).encode(y="mean:Q", strokeDash=says, strokeWidth=width, opacity=style.faded(pick))
    faceted = alt.layer(band, line.add_params(pick, style.zooming())).facet(facet=style.panels(frame), columns=2)
    return style.finished(faceted, "fig2_noisy_accuracy", style.over_runs(frame))
