"""Train and dev F1 by epoch and noise level (the paper's figure 1, and its appendices A, B, C, I)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import holding, one_view
from settling.figures import end_labels, selection, settling_bars, style

TRAIN, DEV = "train, against the given labels", "dev, against the true labels"
VIEWS = {"epoch-end": "after each epoch (epoch-end)", "minibatch": "as its batches pass (minibatch)"}


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a row for each data set, system and kind of noise; dashes: F1 of the true labels themselves."""
    pick = style.picking("percent")
    faceted, notes = panels(tables, pick, pick, style.zooming())
    return style.finished(faceted, figure, *notes)


def panels(
    tables: dict[str, pd.DataFrame], pick: alt.Parameter, *added: alt.Parameter
) -> tuple[alt.FacetChart, list[str]]:
    """Return the chart without its title, which fades by `pick`, and the notes that go under the title."""
    curves = holding(tables["curves"], metric="f1", klass="all")
    train = one_view(holding(curves, split="train", reference="given")).assign(scored=TRAIN)
    dev = one_view(holding(curves, split="dev", reference="true")).assign(scored=DEV)
    scores = selection.by_noise(pd.concat([train, dev]))
    measured = selection.needed(scores, "train or dev F1 under noise")
    drawn = ["panel", "scored", "percent", "epoch", "view", "mean", "low", "high", "n"]
    bars = settling_bars.bars(tables["phases"], measured)
    lowest = settling_bars.lowest(bars)
    on_both = [bars.assign(scored=scored) for scored in (TRAIN, DEV)]
    ends = end_labels.placed(measured, ["panel", "scored"], "percent")
    frame = pd.concat([measured[drawn], settled(tables["treatments"], measured), *on_both, ends])

    base = alt.Chart().encode(color=style.noise_colour(frame["percent"]))
    curve = style.interval_text(base.transform_filter("isValid(datum.mean)")).encode(
        x=style.epochs(),
        tooltip=style.tooltip(
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    band = style.band(curve, style.share("low", "Micro F1", lowest), pick)
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
    layers = [band.add_params(*added), plateau, line]
    if len(bars):
        layers.append(settling_bars.layer(base, style.share("place", "Micro F1", lowest), pick))
    if len(ends):
        layers.append(end_labels.layer(base, style.share("end", "Micro F1", lowest), "percent:O", pick))
    layered = alt.layer(*layers, data=frame).properties(height=style.height(lowest))
    faceted = layered.facet(row=style.rows(frame), column=style.columns("scored", [TRAIN, DEV]))
    dashes = "Dashes: train F1 of a model that still says every true label."
    notes = [style.over_runs(measured), dashes, settling_bars.note(bars)]
    return faceted, [*notes, taken(measured[measured["scored"] == TRAIN]), *selection.undefined(scores)]


def taken(train: pd.DataFrame) -> str:
    """Say when the predictions behind train F1 are taken, and of which systems where they differ."""
    systems = {str(view): ", ".join(sorted(set(rows["system"]))) for view, rows in train.groupby("view")}
    named = [VIEWS[view] + (f" for {of}" if len(systems) > 1 else "") for view, of in systems.items()]
    return f"Train F1 is taken {', '.join(named)}." if named else "No train F1 is defined."


def settled(treatments: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return F1 of the true against the given labels, mean over draws, for each train panel and level."""
    noisy = treatments[treatments["family"] == "noise"].rename(columns={"kind": "noise"})
    keys = ["dataset", "noise", "percent"]
    levels = noisy.groupby(keys, as_index=False)["settled_f1"].mean()
    shown = measured.loc[measured["scored"] == TRAIN, [*keys, "panel", "scored"]].drop_duplicates()
    return shown.merge(levels, on=keys)[["panel", "scored", "percent", "settled_f1"]].rename(
        columns={"settled_f1": "settled"}
    )
