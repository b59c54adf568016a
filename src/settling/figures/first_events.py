"""The distribution of first learning events over the epochs, which several figures show."""

import altair as alt
import pandas as pd

from settling.figures import style

EVENTS_READING = (
    "Diamonds at the right are the words that were never right. The vertical scale is a square root, so that small "
    "late shares stay visible."
)

NEVER_NOTE = "Diamond: share never right by the end. Each colour's shares add up to 1 in a panel."
# From 0 to 1, with half a diamond of room on either side; the square root scale is odd, so it takes a negative end.
AROUND_SHARES = [-0.0025, 1.1]
# The fields that `event_layers` reads, beside those of its colour and of the facets.
FIELDS = ["epoch", "view", "mean", "low", "high", "n"]


def event_layers(shares: pd.DataFrame, colour: alt.Color, named: alt.Tooltip) -> alt.LayerChart:
    """Return the layers of a chart of the share of words (`mean`) first learned at each `epoch`; -1 stands apart."""
    last = int(shares["epoch"].max())
    never = last + 1 + max(1, last // 10)
    frame = shares.assign(
        learned=shares["epoch"] >= 0,
        position=shares["epoch"].where(shares["epoch"] >= 0, never),
        when=shares["epoch"].astype(str).where(shares["epoch"] >= 0, "never"),
    ).drop(columns="epoch")

    pick = style.picking(named.shorthand.partition(":")[0])
    ticks = [*range(0, last + 1, max(1, round(last / 5))), never]
    axis = alt.Axis(
        values=ticks,
        labelExpr=f"datum.value == {never} ? 'never' : datum.label",
        labelOverlap=False,
        grid=False,
    )
    base = style.interval_text(alt.Chart(frame)).encode(
        x=alt.X("position:Q", title="Epoch of the first learning event").scale(nice=False, padding=8).axis(axis),
        color=colour,
        tooltip=style.tooltip(
            named,
            alt.Tooltip("when:N", title="first learned at epoch"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    low = alt.Y("low:Q", title="Share of words (root scale)").scale(type="sqrt", domain=AROUND_SHARES, nice=False)
    # Vega draws no more of the values than the count of ticks.
    low = low.axis(values=[0, 0.1, 0.3, 0.6, 1], tickCount=10)
    band = style.band(base.transform_filter("datum.learned"), low, pick)
    bar = (
        base.transform_filter("!datum.learned && isValid(datum.low)")
        .mark_rule(clip=True)
        .encode(y=low, y2="high:Q", opacity=style.faded(pick))
    )
    line = (
        base.transform_filter("datum.learned")
        .mark_line(clip=True, strokeWidth=1.8, point={"size": 14})
        .encode(y="mean:Q", opacity=style.faded(pick))
    )
    point = (
        base.transform_filter("!datum.learned")
        .mark_point(clip=True, shape="diamond", filled=True, size=45)
        .encode(y="mean:Q", opacity=style.faded(pick))
    )
    return alt.LayerChart(layer=[band, bar, line.add_params(pick, style.zooming()), point])


def half_learned(shares: pd.DataFrame) -> str:
    """Say by which epoch half of the words have been right once; `shares` are means by `epoch` (-1: never)."""
    learned = shares[shares["epoch"] >= 0].sort_values("epoch")
    reached = learned.loc[learned["mean"].cumsum() >= 0.5, "epoch"]
    return f"by epoch {int(reached.iloc[0])}" if len(reached) else "not by the end"
