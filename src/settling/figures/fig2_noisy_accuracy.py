"""Accuracy on the wrongly labelled training words alone (the paper's figure 2, and its appendices A to C)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.figures import end_labels, selection, settling_bars, style

SAYS = {"given": "the wrong label it was given", "true": "the true label"}


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw the share of noisy words given their wrong label (solid) and their true label (dashed)."""
    pick = style.picking("percent")
    faceted, notes = panels(tables, pick, pick, style.zooming())
    return style.finished(faceted, figure, *notes)


def panels(
    tables: dict[str, pd.DataFrame], pick: alt.Parameter, *added: alt.Parameter
) -> tuple[alt.FacetChart, list[str]]:
    """Return the chart without its title, which fades by `pick`, and the notes that go under the title."""
    accuracy = defined(holding(tables["curves"], metric="noisy_accuracy", split="train"))
    frame = selection.by_noise(one_view(accuracy))
    frame = selection.needed(frame[frame["percent"] > 0], "a wrongly labelled training word")
    frame = frame.assign(says=frame["reference"].map(SAYS))
    drawn = ["panel", "percent", "says", "epoch", "view", "mean", "low", "high", "n"]
    bars = settling_bars.bars(tables["phases"], frame)
    lowest = settling_bars.lowest(bars)

    order, title = [*SAYS.values()], "The model says"
    says = alt.StrokeDash("says:N", title=title, legend=style.SECOND).scale(domain=order, range=[[1, 0], [4, 3]])
    width = alt.StrokeWidth("says:N", title=title, legend=style.SECOND).scale(domain=order, range=[2, 1.1])
    base = alt.Chart().encode(color=style.noise_colour(frame["percent"]))
    curve = style.interval_text(base.transform_filter("isValid(datum.mean)")).encode(
        x=style.epochs(),
        detail="says:N",
        tooltip=style.tooltip(
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("says:N", title="model says"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    band = style.band(curve, style.share("low", "Share of noisy words", lowest), pick)
    line = curve.mark_line(clip=True).encode(y="mean:Q", strokeDash=says, strokeWidth=width, opacity=style.faded(pick))
    layers = [band.add_params(*added), line]
    if len(bars):
        layers.append(settling_bars.layer(base, style.share("place", "Share of noisy words", lowest), pick))
    ends = end_labels.placed(frame[frame["reference"] == "given"], ["panel"], "percent")
    if len(ends):
        layers.append(end_labels.layer(base, style.share("end", "Share of noisy words", lowest), "percent:O", pick))
    layered = alt.layer(*layers, data=pd.concat([frame[drawn], bars, ends])).properties(height=style.height(lowest))
    faceted = layered.facet(facet=style.panels(frame), columns=2)
    return faceted, [style.over_runs(frame), settling_bars.note(bars)]
