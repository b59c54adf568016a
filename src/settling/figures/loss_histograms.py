"""The loss of the given label, wrongly and cleanly labelled words apart (the paper's appendix E)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, one_view
from settling.figures import selection, style

# The authors detect after 4 epochs.
MOMENTS = {"epoch-4": "after 4 epochs", "settled": "at the end of settling", "final": "at the end"}
WORDS = {False: "cleanly labelled", True: "wrongly labelled"}
COLOURS = ["#8a8a8a", style.NOISE_RAMP[4]]


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a row for each data set, system and moment, a column for each level of noise."""
    shares = one_view(defined(tables["loss_histogram"]))
    frame = selection.by_noise(shares[shares["moment"].isin(list(MOMENTS))])
    frame = selection.needed(frame[frame["percent"] > 0], "losses under noise at these moments")
    when = frame["moment"].map(MOMENTS)
    frame = frame.assign(
        words=frame["noisy"].map(WORDS),
        panel=frame["panel"] + "\n" + when,
        level=frame["percent"].astype(str) + " % noise",
    )
    rank = frame["moment"].map({moment: index for index, moment in enumerate(MOMENTS)})
    panels = frame.assign(rank=rank).sort_values(["dataset", "system", "noise", "rank"])["panel"].unique().tolist()
    drawn = ["panel", "level", "words", "low_edge", "high_edge", "view", "mean", "low", "high", "n"]

    pick = style.picking("words")
    bars: alt.Chart = (
        style.interval_text(alt.Chart(frame[drawn]))
        .mark_bar(clip=True, binSpacing=0, orient="vertical")
        .encode(
            x=alt.X("low_edge:Q", bin="binned", title="Loss, nats (log scale)")
            .scale(type="log", nice=False)
            .axis(grid=False, format="~g", values=[0.001, 0.01, 0.1, 1, 10]),
            x2="high_edge:Q",
            y=alt.Y("mean:Q", title="Share of words", stack=None),
            color=alt.Color("words:N", title="Words").scale(domain=[*WORDS.values()], range=COLOURS),
            opacity=style.faded(pick, 0.6),
            tooltip=style.tooltip(
                alt.Tooltip("words:N"),
                alt.Tooltip("low_edge:Q", title="loss from"),
                alt.Tooltip("high_edge:Q", title="to"),
                alt.Tooltip("view:N", title="predictions taken"),
            ),
        )
        .add_params(pick)
        .properties(width=150, height=90)
    )
    levels = [f"{percent} % noise" for percent in sorted(set(frame["percent"]))]
    faceted = bars.facet(row=style.rows(frame, panels), column=style.columns("level", levels))
    return style.finished(
        faceted,
        figure,
        style.over_runs(frame, "Bar", "In the tooltip"),
        "Each colour's shares add up to 1 in a panel. The outermost bars hold what lies beyond, too.",
    )
