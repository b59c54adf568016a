"""When words of the capped class are first learned, by sentences kept (the paper's figure 5 and appendix J)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.figures import first_events, selection, style


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw a panel for each data set, system and capped class, a line for each cap; grey: training on all sentences."""
    shares = one_view(defined(holding(tables["first_learned"], noisy=False)))
    shares = selection.of_capped_class(selection.by_cap(shares, "cap"))
    frame = selection.needed(shares, "a training word of a capped class")
    layers = first_events.layers(
        frame[["panel", "kept", *first_events.READ]],
        style.cap_colour(frame["cap_sentences"]),
        alt.Tooltip("kept:N", title="sentences kept"),
    )
    faceted = layers.facet(facet=style.panels(frame), columns=2)
    return style.finished(faceted, figure, style.over_runs(frame), first_events.NOTE, style.GREY_IS_ALL)
