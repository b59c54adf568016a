"""When words are first learned, wrongly labelled and clean words apart (the paper's figure 3 and appendix F)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.figures import first_events, selection, style

WORDS = {True: "wrongly labelled words", False: "cleanly labelled words"}


def chart(tables: dict[str, pd.DataFrame], figure: str) -> alt.TopLevelMixin:
    """Draw the share of words first learned at each epoch; words never learned stand apart."""
    shares = one_view(defined(holding(tables["first_learned"], klass="all")))
    shares = selection.needed(selection.by_noise(shares), "first learning events under noise")
    frame = shares.assign(words=shares["noisy"].map(WORDS))
    layers = first_events.layers(
        frame[["panel", "words", "percent", *first_events.READ]],
        style.noise_colour(frame["percent"]),
        alt.Tooltip("percent:O", title="noise, %"),
    )
    faceted = layers.facet(row=style.rows(frame), column=style.columns("words", [*WORDS.values()]))
    return style.finished(faceted, figure, style.over_runs(shares), first_events.NOTE)
