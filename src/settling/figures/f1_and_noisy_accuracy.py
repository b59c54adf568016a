"""What figures 1 and 2 show, in one figure (the paper's appendices A and B)."""

import altair as alt

from settling.figures import fig1_noise_f1, fig2_noisy_accuracy, settling_bars, style
from settling.figures.selection import Tables

TITLE = "Label noise on images"
QUESTION = "Do image classifiers settle too?"
READING = (
    f"Above: {fig1_noise_f1.CURVES_READING} Below: {fig2_noisy_accuracy.CURVES_READING} {settling_bars.BARS_READING}"
)


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw F1 above accuracy on the noisy words."""
    pick = style.picking("percent")
    f1, notes = fig1_noise_f1.panels(tables, pick, pick)
    accuracy, _ = fig2_noisy_accuracy.panels(tables, pick, below_rows=True)
    below = accuracy.properties(title=alt.Title("What the model says of them where the label is wrong", fontSize=12))
    both: alt.VConcatChart = alt.vconcat(f1, below).resolve_scale(color="independent", strokeDash="independent")
    return both, notes


def sentences(tables: Tables) -> list[str]:
    """Say what the two figures show."""
    return fig1_noise_f1.sentences(tables) + fig2_noisy_accuracy.sentences(tables)
