"""The share of words that have been right once, by epoch, which several figures show."""

import altair as alt
import pandas as pd

from settling.figures import style

EVENTS_READING = "What a line lacks of 1 at its end was never right. A panel has the epochs of its own system."

SHARE_NOTE = "A line is the share of words that were right at least once by then."
# The fields that `learned` reads and adds to, beside those that tell lines apart.
FIELDS = ["epoch", "view", "mean", "low", "high", "n"]


def learned(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the share of words right once by each epoch, `learned`, for each line.

    `shares` has the share of words (`mean`) first right at each `epoch`, and at epoch -1 the share never right; all
    columns but FIELDS tell lines apart. The mean of sums is the sum of means; its interval is known only at the last
    epoch, where it is that of the words never right, turned round: `learned_low` to `learned_high`.
    """
    line = [str(column) for column in shares if column not in FIELDS]
    curves = shares[shares["epoch"] >= 0].sort_values([*line, "epoch"])
    curves = curves.assign(learned=curves.groupby(line)["mean"].cumsum().clip(upper=1))
    never = shares[shares["epoch"] < 0]
    never = never.assign(learned_low=1 - never["high"], learned_high=1 - never["low"])
    ends = curves[~curves.duplicated(line, keep="last")].merge(never[[*line, "learned_low", "learned_high"]], on=line)
    return curves.merge(ends[[*line, "epoch", "learned_low", "learned_high"]], on=[*line, "epoch"], how="left")


def learned_layers(curves: pd.DataFrame, looks: list[alt.Color | alt.StrokeDash], named: alt.Tooltip) -> alt.LayerChart:
    """Return the layers of a chart of what `learned` returns, lines told apart by `looks`, and named by `named`."""
    pick = style.picking(named.shorthand.partition(":")[0])
    base = style.interval_text(alt.Chart(curves)).encode(
        *looks,
        x=style.epochs(),
        opacity=style.faded(pick),
        tooltip=[
            named,
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("learned:Q", title="right once by then, mean", format=".3f"),
            alt.Tooltip("mean:Q", title="first right at this epoch, mean", format=".3f"),
            alt.Tooltip("interval:N", title="its 95 % bootstrap interval"),
            alt.Tooltip("n:Q", title="runs (seed × noise seed)"),
            alt.Tooltip("view:N", title="predictions taken"),
        ],
    )
    title = "Share learned"
    line = base.mark_line(clip=True, strokeWidth=1.8, point={"size": 14}).encode(y=style.share("learned", title))
    end = base.transform_filter("isValid(datum.learned_low)").mark_rule(clip=True, strokeWidth=1.2)
    bar = end.encode(y=style.share("learned_low", title), y2="learned_high:Q")
    return alt.LayerChart(layer=[bar, line.add_params(pick)])


def half_learned(shares: pd.DataFrame) -> str:
    """Say by which epoch half of the words have been right once; `shares` are means by `epoch` (-1: never)."""
    curve = shares[shares["epoch"] >= 0].sort_values("epoch")
    reached = curve.loc[curve["mean"].cumsum() >= 0.5, "epoch"]
    return f"by epoch {int(reached.iloc[0])}" if len(reached) else "not by the end"
