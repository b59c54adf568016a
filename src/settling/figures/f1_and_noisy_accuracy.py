"""What figures 1 and 2 show, in one figure (the paper's appendices A and B)."""

import altair as alt
import pandas as pd

from settling.figures import fig1_noise_f1, fig2_noisy_accuracy, style


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw F1 above accuracy on the noisy words."""
    pick = style.picking("percent")
    f1, notes = fig1_noise_f1.panels(tables, pick, pick)
    accuracy, _ = fig2_noisy_accuracy.panels(tables, pick)
    below = accuracy.properties(title=alt.Title("What the model says of them where the label is wrong", fontSize=11))
    both: alt.VConcatChart = alt.vconcat(f1, below).resolve_scale(strokeDash="independent", strokeWidth="independent")
    return style.finished(both, figure, *notes)
