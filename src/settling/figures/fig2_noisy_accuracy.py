"""Accuracy on the wrongly labelled training words alone (the paper's figure 2, and its appendices A to C)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import end_labels, selection, settling_bars, style
from settling.figures.selection import Tables

TITLE = "What the model says of wrongly labelled words"
QUESTION = "When does a pretrained model begin to give the wrong labels it was trained on?"
CURVES_READING = (
    "Only the wrongly labelled training words count here. A solid line is the share of them to which the model "
    "gives the wrong label it was trained on. A dashed line is the share to which it gives the true label. While a "
    "model settles, the dashed lines are high and the solid ones near 0. The model memorises where they cross."
)
READING = f"{CURVES_READING} {settling_bars.BARS_READING}"

SAYS = {"given": "the wrong label it was given", "true": "the true label"}


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw the share of noisy words given their wrong label (solid) and their true label (dashed)."""
    pick = style.picking("percent")
    return panels(tables, pick, pick, style.zooming())


def panels(
    tables: Tables, pick: alt.Parameter, *added: alt.Parameter, below_rows: bool = False
) -> tuple[alt.FacetChart, list[str]]:
    """Return the chart, which fades by `pick`, and its notes; `below_rows` is that of `style.wrapped`."""
    accuracy = defined(holding(tables["curves"], metric="noisy_accuracy", split="train"))
    frame = selection.by_noise(one_view(accuracy))
    frame = selection.needed(frame[frame["percent"] > 0], "a wrongly labelled training word")
    frame = frame.assign(says=frame["reference"].map(SAYS))
    drawn = ["panel", "percent", "says", "epoch", "view", "mean", "low", "high", "n"]
    bars = settling_bars.settling_rows(tables["phases"], frame)
    lowest = settling_bars.lowest(bars)

    ends = end_labels.placed(frame[frame["reference"] == "given"], ["panel"], "percent")
    says = alt.StrokeDash("says:N", title="The model says", legend=style.SECOND)
    says = says.scale(domain=[*SAYS.values()], range=style.SOLID_DASHED)
    base = alt.Chart().encode(color=style.noise_colour(frame["percent"], legend=ends.empty))
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
    line = curve.mark_line(clip=True, strokeWidth=1.8).encode(y="mean:Q", strokeDash=says, opacity=style.faded(pick))
    layers = [band.add_params(*added), line]
    if len(bars):
        layers.append(settling_bars.settling_layer(base, style.share("height", "Share of noisy words", lowest), pick))
    if len(ends):
        layers.append(
            end_labels.label_layer(base, style.share("end", "Share of noisy words", lowest), "percent:O", pick)
        )
    layered = alt.layer(*layers, data=pd.concat([frame[drawn], bars, ends])).properties(height=style.height(lowest))
    notes = [style.over_runs(frame), *end_labels.note(ends, style.NOISE), settling_bars.note(bars)]
    return style.wrapped(layered, frame, below_rows), notes


def sentences(tables: Tables) -> list[str]:
    """Say how often the model gives wrong labels first and last, and from which epoch on more often than true ones."""
    accuracy = defined(holding(tables["curves"], metric="noisy_accuracy", split="train"))
    scores = selection.by_noise(one_view(accuracy))
    texts = []
    for _, rows in scores[scores["percent"] > 0].groupby("panel"):
        most = int(rows["percent"].max())
        given, true = (holding(rows, percent=most, reference=name).sort_values("epoch") for name in ("given", "true"))
        if given.empty:
            continue
        texts.append(
            f"{selection.subject(given)} at {most} % noise: the model gives the wrong label to "
            f"{in_words(given.iloc[0])} of the wrongly labelled words at epoch {int(given['epoch'].iloc[0])} and to "
            f"{in_words(selection.last(given))} at the last{overtakes(given, true)}."
        )
    return texts


def overtakes(given: pd.DataFrame, true: pd.DataFrame) -> str:
    """Say from which epoch on the model gives the wrong label more often than the true one; nothing if unknown."""
    both = given.merge(true, on="epoch", suffixes=("", "_true"))
    if both.empty:
        return ""
    behind = both.loc[both["mean"] <= both["mean_true"], "epoch"]
    if behind.empty:
        return "; the wrong label is the more frequent from the first epoch on"
    if behind.max() == both["epoch"].max():
        return "; the true label is the more frequent to the end"
    return f"; the wrong label is the more frequent from epoch {int(behind.max()) + 1} on"
