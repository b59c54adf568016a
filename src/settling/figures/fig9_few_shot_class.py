"""Few-shot F1 of the capped class, ProtoBERT beside the encoder (the paper's figures 9 and 11)."""

import altair as alt
import pandas as pd

from settling.figures import few_shot


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw F1 of the capped class and the paired difference."""
    return few_shot.drawn(tables, figure, of="class")
