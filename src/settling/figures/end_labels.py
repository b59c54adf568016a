"""Names at the ends of lines, where every panel has room for them. They take the place of a legend."""

import altair as alt
import pandas as pd

from settling.figures import style

APART = 0.08  # of the height from 0 to 1: a line of text


def placed(curves: pd.DataFrame, panel: list[str], name: str) -> pd.DataFrame:
    """Return the last `epoch` and the value there (`end`) of each line; no row where ends of a panel lie too close.

    `curves` has a row for each epoch of each line; `panel` are the columns that tell panels apart, `name` the one that
    names a line.
    """
    last = curves[curves["epoch"] == curves.groupby([*panel, name])["epoch"].transform("max")]
    ends = last[[*panel, name, "epoch", "mean"]].rename(columns={"mean": "end"})
    gaps = ends.sort_values("end").groupby(panel)["end"].diff()
    return ends[:0] if (gaps < APART).any() else ends


def note(ends: pd.DataFrame, what: str) -> list[str]:
    """Return the note that says of what the names are, or none where there are no names."""
    return [] if ends.empty else [f"At the end of each line: {what[0].lower()}{what[1:]}."]


def label_layer(base: alt.Chart, axis: alt.Y, name: str, pick: alt.Parameter) -> alt.Chart:
    """Return the layer that draws the names in `base`; `axis` is the vertical axis, of the field `end`."""
    shown = base.transform_filter("isValid(datum.end)")
    mark = shown.mark_text(clip=False, align="left", dx=4, fontSize=style.SMALLEST)
    named: alt.Chart = mark.encode(x=style.epochs(), y=axis, text=name, opacity=style.faded(pick))
    return named
