"""The loss of the given label, wrongly and cleanly labelled words apart (the paper's appendix E)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import listed
from settling.figures import selection, style
from settling.figures.selection import Tables

TITLE = "The loss of wrongly and of cleanly labelled words"
QUESTION = "Does the loss alone tell wrong labels from right ones, and until when?"
READING = (
    "Each panel has the losses of the label given, in nats on a logarithmic scale, of wrongly and of cleanly "
    "labelled training words. From left to right it is after 4 epochs (the authors' choice), at the end of settling "
    "(empty where no run settles), and at the end of training. Each colour adds up to 1. Two heaps apart mean that a "
    "threshold on the loss finds the noise. Once the model has memorised the noise, the heaps lie on each other."
)

# The authors detect after 4 epochs.
SHOWN_EPOCHS = ("epoch-4", "settled", "final")
LEGEND_LABELS = {False: "cleanly labelled", True: "wrongly labelled"}
COLOURS = ["#8a8a8a", style.NOISE_RAMP[4]]


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set and system, a column for each selected epoch."""
    shares = one_view(defined(tables["loss_histogram"]))
    frame = selection.by_noise(shares[shares["selected_epoch"].isin(SHOWN_EPOCHS)])
    frame = selection.needed(frame[frame["percent"] > 0], "losses under noise at these selected epochs")
    frame, level, note = style.one_level(frame)
    when = frame["selected_epoch"].map(selection.SELECTED_EPOCHS)
    frame = frame.assign(words=frame["noisy"].map(LEGEND_LABELS), when=when)
    drawn = ["panel", "percent", "highest", "when", "words", "low_edge", "high_edge", "view"]
    drawn += ["mean", "low", "high", "n"]

    pick = style.picking("words")
    bars: alt.Chart = (
        style.interval_text(alt.Chart(frame[drawn]))
        .mark_bar(clip=True, binSpacing=0, orient="vertical")
        .encode(
            x=alt.X("low_edge:Q", bin="binned", title="Loss, nats (log scale)")
            .scale(type="log", nice=False)
            .axis(grid=False, format="~g", values=[0.001, 0.01, 0.1, 1, 10]),
            x2="high_edge:Q",
            y=alt.Y("mean:Q", title="Share", stack=None),
            color=alt.Color("words:N", title="Words").scale(domain=[*LEGEND_LABELS.values()], range=COLOURS),
            opacity=style.faded(pick, 0.6),
            tooltip=style.tooltip(
                alt.Tooltip("words:N"),
                alt.Tooltip("low_edge:Q", title="loss from"),
                alt.Tooltip("high_edge:Q", title="to"),
                alt.Tooltip("view:N", title="predictions taken"),
            ),
        )
        .add_params(pick)
        .properties(height=110)
    )
    epochs = [selection.SELECTED_EPOCHS[name] for name in SHOWN_EPOCHS if name in set(frame["selected_epoch"])]
    faceted = style.in_rows(bars, frame, "when", epochs).transform_filter(style.LEVEL_CHOSEN)
    return faceted.add_params(level), [
        style.over_runs(frame, "Bar", "In the tooltip"),
        *note,
        "Each colour's shares add up to 1 in a panel. The outermost bars hold what lies beyond, too.",
    ]


def sentences(tables: Tables) -> list[str]:
    """Say how far the losses of noisy and of clean words overlap, early and at the end."""
    shares = selection.by_noise(one_view(defined(tables["loss_histogram"])))
    texts = []
    for _, rows in shares[shares["percent"] > 0].groupby("panel"):
        most = selection.most_noise(rows)
        parts = [
            f"{overlap(holding(most, selected_epoch=selected_epoch)):.2f} {selection.SELECTED_EPOCHS[selected_epoch]}"
            for selected_epoch in ("epoch-4", "final")
            if selected_epoch in set(most["selected_epoch"])
        ]
        if parts:
            texts.append(
                f"{selection.subject_at_noise(most)}: the mean histograms of wrongly and cleanly labelled words share "
                f"this much of their area: {listed(parts)} (n={int(most['n'].max())})."
            )
    return texts


def overlap(histogram: pd.DataFrame) -> float:
    """Return the area that the mean histograms of noisy and of clean words have in common, from 0 to 1."""
    noisy, clean = (holding(histogram, noisy=flag).set_index("low_edge")["mean"] for flag in (True, False))
    return float(pd.concat([noisy, clean], axis=1).min(axis=1, skipna=False).fillna(0).sum())
