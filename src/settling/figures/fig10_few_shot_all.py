"""Few-shot F1 of all classes, ProtoBERT beside the encoder (the paper's figure 10 and appendix H)."""

import altair as alt
import pandas as pd

from settling.figures import few_shot


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw F1 of all classes and the paired difference."""
    return few_shot.drawn(tables, figure, of="all")
