"""When words are first learned, wrongly labelled and clean words apart (the paper's figure 3)."""

import altair as alt
import pandas as pd

from settling.figures import style

WORDS = {True: "wrongly labelled words", False: "cleanly labelled words"}


def chart(tables: dict[str, pd.DataFrame]) -> alt.TopLevelMixin:
    """Draw the share of words first learned at each epoch; words never learned stand apart."""
    shares = style.by_noise(style.one_view(style.matching(tables["first_learned"])))
    shares = style.needed(shares, "first_learned", "noisy treatments")
    last = int(shares["epoch"].max())
    never = last + 1 + max(1, last // 10)
    frame = shares.assign(
        words=shares["noisy"].map(WORDS),
        learned=shares["epoch"] >= 0,
        place=shares["epoch"].where(shares["epoch"] >= 0, never),
        when=shares["epoch"].astype(str).where(shares["epoch"] >= 0, "never"),
    )
    drawn = ["panel", "words", "percent", "learned", "place", "when", "view", "mean", "low", "high", "n"]

    pick = style.picking("percent")
    ticks = [*range(0, last + 1, max(1, round(last / 5))), never]
    axis = alt.Axis(
        values=ticks,
        labelExpr=f"datum.value == {never} ? 'never' : datum.label",
        labelOverlap=False,
        grid=False,
    )
    base = style.interval_text(alt.Chart(frame[drawn])).encode(
        x=alt.X("place:Q", title="Epoch of the first learning event").scale(nice=False, padding=8).axis(axis),
        color=style.noise_colour(frame["percent"]),
        tooltip=style.tooltip(
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("when:N", title="first learned at epoch"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    low = alt.Y("low:Q", title="Share of words (root scale)").scale(type="sqrt", domain=[0, 1])
    band = (
        base.transform_filter("datum.learned")
        .mark_area(clip=True, stroke=None)
        .encode(y=low, y2="high:Q", opacity=style.faded(pick, 0.2))
    )
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
    layers = alt.layer(band, bar, line.add_params(pick, style.zooming()), point)
    faceted = layers.facet(row=style.rows(frame), column=style.columns("words", [*WORDS.values()]))
    return style.finished(
        faceted,
        "fig3_first_learned",
        style.over_runs(shares),
        "Diamond: share never right by the end. Each colour's shares add up to 1 in a panel.",
    )
