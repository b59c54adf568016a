"""How long models settle, by level of noise: a figure of ours on the paper's second phase."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import selection, settling_bars, style
from settling.figures.selection import Tables

TITLE = "How long models settle"
QUESTION = "How long does settling last, and does more noise shorten it?"
READING = (
    "The figure sets the length of settling, in epochs and in updates, and the share of runs that settle, against "
    f"the level of noise. {settling_bars.RULE} Such a run counts as 0. Clean runs stand apart: they have no wrong "
    "labels to give. A triangle marks where some runs still settle in their last epoch, so that the true length is "
    "longer."
)


LENGTHS = {"settling_epochs": "Length of settling, epochs", "settling_steps": "Length of settling, updates"}
COLUMN_TITLES = {**LENGTHS, "settles": "Share of runs that settle"}
CLEAN_LEVEL = "clean"


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set and kind of noise: settling in epochs and updates, and how many runs settle."""
    every = selection.by_noise(one_view(tables["phases"]))
    settles = every[every["quantity"] == "settles"]
    selection.needed(settles, "phases under noise")
    measured = defined(every)
    several = measured["noise"].nunique() > 1
    measured = measured.assign(panel=measured["dataset"] + ("\n" + measured["noise"] + " noise" if several else ""))
    keys = ["dataset", "system", "noise", "percent"]
    censored = measured.loc[(measured["quantity"] == "open_ended") & (measured["mean"] > 0), keys].assign(longer=True)
    frame = measured.merge(censored, on=keys, how="left")
    frame["longer"] = frame["longer"].notna() & frame["quantity"].isin(list(LENGTHS))
    frame = frame[frame["quantity"].isin(list(COLUMN_TITLES))]
    frame = frame.assign(level=frame["percent"].astype(str).where(frame["percent"] > 0, CLEAN_LEVEL))

    pick = style.picking("system")
    colour = style.system_colour(frame["system"], tables["systems"], symbol="circle")
    width = style.panel_width(len(COLUMN_TITLES), names=frame["panel"])
    parts: list[alt.FacetChart] = []
    for quantity, title in COLUMN_TITLES.items():
        rows = frame[frame["quantity"] == quantity]
        first, *others = quantity_layers(rows, colour, pick, fixed=quantity == "settles")
        # One selection, which the first part holds, fades all.
        layered = alt.layer(first if parts else first.add_params(pick), *others).properties(width=width)
        column = style.columns("quantity", [quantity]).header(labelExpr=f"'{title}'")
        # Panels are aligned by their frames, whatever the numbers at their axes.
        row = style.rows(named=not parts)
        parts.append(layered.facet(row=row, column=column, bounds="flush", spacing=style.BETWEEN))
    return alt.hconcat(*parts, spacing=style.BETWEEN), [
        style.over_runs(frame, "Point", "Bar"),
        "A run that does not settle counts as 0. Clean runs stand apart: they have no noisy words.",
        "Triangle: some runs settle to their last epoch, so the true length is longer.",
        *selection.undefined(settles),
    ]


def quantity_layers(
    rows: pd.DataFrame, colour: alt.Color, pick: alt.Parameter, fixed: bool
) -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    """Return the layers of one quantity; `fixed` for a share, whose axis ends at 1."""
    drawn = ["panel", "system", "level", "quantity", "longer", "view", "mean", "low", "high", "n", "runs"]
    levels = [str(percent) if percent else CLEAN_LEVEL for percent in sorted(set(rows["percent"]))]
    axis = style.share("mean", "") if fixed else alt.Y("mean:Q", title=None).scale(zero=True)
    base = style.interval_text(alt.Chart(rows[drawn])).encode(
        x=alt.X("level:O", sort=levels, title="Noise, %").axis(labelAngle=0, grid=False),
        xOffset=alt.XOffset("system:N"),
        color=colour,
        tooltip=style.tooltip(
            alt.Tooltip("system:N"),
            alt.Tooltip("level:O", title="noise, %"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    bar = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1.2)
    line = (
        base.transform_filter(alt.datum.level != CLEAN_LEVEL)
        .mark_line(strokeWidth=1.8)
        .encode(y=axis, opacity=style.faded(pick))
    )
    shape = alt.when(alt.datum.longer).then(alt.value("triangle-up")).otherwise(alt.value("circle"))
    point = base.mark_point(filled=True, size=45).encode(y=axis, shape=shape, opacity=style.faded(pick))
    bars = bar.encode(y=alt.Y("low:Q"), y2="high:Q", opacity=style.faded(pick, 0.7))
    return bars, line, point


def sentences(tables: Tables) -> list[str]:
    """Say how many runs settle at the least and the most noise, and for how long."""
    rows = selection.by_noise(one_view(tables["phases"]))
    texts = []
    for _, of_panel in rows[rows["percent"] > 0].groupby("panel"):
        settles = holding(of_panel, quantity="settles")
        parts = []
        for row in ends(settles, "percent"):
            if pd.isna(row["mean"]):
                parts.append(f"at {int(row['percent'])} % noise settling is {in_words(row)}")
                continue
            number = round(row["mean"] * row["n"])
            runs = f"{number} of {int(row['n'])} run{'s' if row['n'] > 1 else ''}"
            text = f"at {int(row['percent'])} % noise {runs} settle"
            lengths = holding(of_panel, quantity="settling_epochs", percent=row["percent"])
            if number and len(lengths):
                text += f", for a mean over all runs of {in_words(lengths.iloc[0])} epochs"
            parts.append(text)
        if parts:
            texts.append(f"{selection.subject(settles)}: {'; '.join(parts)}.")
    return texts
