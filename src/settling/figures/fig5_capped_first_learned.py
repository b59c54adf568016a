"""When words of the capped class are first learned, by sentences kept (the paper's figure 5 and appendix J)."""

import altair as alt

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import listed
from settling.figures import first_events, selection, style
from settling.figures.selection import Tables

TITLE = "When words of the capped class are first learned"
QUESTION = "Are the words of a class learned earlier when there are fewer of them?"
READING = (
    "A word's first learning event is the first epoch at which the model predicts the label given. Each curve is "
    f"the share of a class's training words that have had it by that epoch. {style.KEPT_IS_COLOUR} "
    f"{first_events.EVENTS_READING} Fewer sentences make fewer updates an epoch, but each word still passes once. "
    "Read the figure with that in mind."
)


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a panel for each data set, system and capped class, a line for each cap; grey: training on all sentences."""
    shares = one_view(defined(holding(tables["first_learned"], noisy=False)))
    shares = selection.of_capped_class(selection.by_cap(shares, "cap"))
    frame = selection.needed(shares, "a training word of a capped class")
    layers = first_events.learned_layers(
        first_events.learned(frame[["panel", "kept", *first_events.FIELDS]]),
        [style.cap_colour(frame["cap_sentences"])],
        alt.Tooltip("kept:N", title="sentences kept"),
    )
    notes = [first_events.SHARE_NOTE, style.over_runs(frame, interval="Bar at its end"), style.GREY_IS_ALL]
    return style.wrapped(layers, frame).resolve_scale(x="independent"), notes


def sentences(tables: Tables) -> list[str]:
    """Say by which epoch half of the words of the capped class have been right, with fewest, most and all sentences."""
    shares = one_view(defined(holding(tables["first_learned"], noisy=False)))
    frame = selection.of_capped_class(selection.by_cap(shares, "cap"))
    texts = []
    for (dataset, system, capped), rows in frame.groupby(["dataset", "system", "capped"]):
        parts = []
        for kept in selection.few_many_all(rows):
            of_kept = holding(rows, kept=kept)
            parts.append(f"{first_events.half_learned(of_kept)} with {kept} (n={int(of_kept['n'].max())})")
        texts.append(
            f"{system} on {dataset}: half of the words of {capped} have been right once, by sentences kept, "
            f"{listed(parts)}."
        )
    return texts
