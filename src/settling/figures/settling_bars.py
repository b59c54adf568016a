"""When models settle, as bars below the curves that show it."""

import altair as alt
import pandas as pd

from settling.analysis.phases import NEAR_BEST, NEAR_PLATEAU, SHORTEST
from settling.analysis.rows import noise_names, one_view
from settling.figures import selection, style

RULE = (
    f"A run is settled at an epoch where three things hold. Its dev F1 is at least {NEAR_BEST * 100:.0f} % of the "
    f"run's best. Its train F1 is at least {NEAR_PLATEAU * 100:.0f} % of that of a model that memorises no wrong "
    "label. It gives wrong labels no more often than a uniform guesser over the tags would. Settling is the "
    "longest stretch of settled epochs; a single other epoch between two of them does not end it. A run without at "
    f"least {SHORTEST} such epochs does not settle."
)
BARS_READING = f"Bars below 0 show from when to when the runs that settle do so. {RULE}"

PLATEAU_KEYS = ["dataset", "noise", "percent"]
BARS_NOTE = "Bars below 0: settling, from its mean first to its mean last epoch, of the runs that settle."
NONE_SETTLES = "No run settles."


def settling_rows(phases: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return, for each panel and level of `measured` of which a run settles, `first` and `last` epoch and `height`.

    `phases` is the table of that name; `height` is that of the bar, below 0, a lane for each level; `who` says how
    many runs settle.
    """
    rows = selection.by_noise(one_view(phases))
    keys = ["panel", "percent"]
    fitting, length, settles = (
        rows[rows["quantity"] == quantity].set_index(keys)
        for quantity in ("fitting_epochs", "settling_epochs", "settles")
    )
    fitting = fitting[fitting["n"] > 0]
    levels = sorted(set(measured["percent"]))
    # The mean length counts the runs that do not settle as 0.
    of_those = length["mean"] * length["n"] / fitting["n"]
    bars = pd.DataFrame(
        {
            "first": fitting["mean"],
            "last": fitting["mean"] + of_those - 1,
            "who": fitting["n"].astype(str) + " of " + settles["n"].astype(str),
        }
    )
    bars = bars.loc[fitting.index].reset_index()
    bars = bars.merge(measured[keys].drop_duplicates(), on=keys)
    return bars.assign(height=[-style.LANE * (levels.index(percent) + 1) for percent in bars["percent"]])


def plateaus(treatments: pd.DataFrame) -> pd.DataFrame:
    """Return `settled` by PLATEAU_KEYS: F1 of the true against the given labels, its mean over noise seeds."""
    named = treatments.assign(noise=noise_names(treatments))
    return named.groupby(PLATEAU_KEYS)["settled_f1"].mean().reset_index(name="settled")


def lowest(bars: pd.DataFrame) -> float:
    """Return the lower end of a vertical axis that has room for the bars."""
    return float(bars["height"].min()) - style.LANE / 2 if len(bars) else style.LOWEST


def settling_layer(base: alt.Chart, axis: alt.Y, pick: alt.Parameter) -> alt.Chart:
    """Return the layer that draws the bars in `base`; `axis` is the vertical axis, of the field `height`."""
    mark = base.transform_filter("isValid(datum.height)").mark_rule(clip=True, strokeWidth=3)
    drawn: alt.Chart = mark.encode(
        x=alt.X("first:Q", title="Epoch"),
        x2="last:Q",
        y=axis,
        opacity=style.faded(pick),
        tooltip=[
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("first:Q", title="settled from epoch, mean", format=".1f"),
            alt.Tooltip("last:Q", title="to epoch, mean", format=".1f"),
            alt.Tooltip("who:N", title="runs that settle"),
        ],
    )
    return drawn


def note(bars: pd.DataFrame) -> str:
    """Return the note that explains the bars, or that says there are none."""
    return BARS_NOTE if len(bars) else NONE_SETTLES
