"""Names at the ends of lines, in the panels with room for them; the legend names the lines of every panel."""

import altair as alt
import pandas as pd

from settling.figures import style

APART = 0.07  # of the height from 0 to 1: two lines of text
SIZE = 9


def placed(curves: pd.DataFrame, panel: list[str], name: str) -> pd.DataFrame:
    """Return the last `epoch` and the value there (`end`) of each line, for panels whose ends are far enough apart.

    `curves` has a row for each epoch of each line; `panel` are the columns that tell panels apart, `name` the one that
    names a line.
    """
    last = curves[curves["epoch"] == curves.groupby([*panel, name])["epoch"].transform("max")]
    ends = last[[*panel, name, "epoch", "mean"]].rename(columns={"mean": "end"})
    gaps = ends.sort_values("end").groupby(panel)["end"].diff()
    crowded = (gaps < APART).groupby([ends[column] for column in panel]).transform("any")
    return ends[~crowded.reindex(ends.index)]


def label_layer(base: alt.Chart, axis: alt.Y, name: str, pick: alt.Parameter) -> alt.Chart:
    """Return the layer that draws the names in `base`; `axis` is the vertical axis, of the field `end`."""
    mark = base.transform_filter("isValid(datum.end)").mark_text(clip=False, align="left", dx=4, fontSize=SIZE)
    named: alt.Chart = mark.encode(x=style.epochs(), y=axis, text=name, opacity=style.faded(pick))
    return named
