"""When words are first learned, wrongly labelled and clean words apart (the paper's figure 3 and appendix F)."""

import altair as alt

from settling.analysis.rows import defined, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import first_events, selection, style
from settling.figures.selection import Tables

TITLE = "When words are first learned"
QUESTION = "Are wrong labels learned later than right ones, with a gap between?"
READING = (
    "A word's first learning event is the first epoch at which the model predicts the label given. Each curve is "
    "the share of training words with that event at each epoch. Wrongly and cleanly labelled words have panels of "
    f"their own. {first_events.EVENTS_READING} Two separate groups of epochs, with nothing between them, mean that "
    "fitting and memorisation are apart."
)

COLUMN_TITLES = {True: "wrongly labelled words", False: "cleanly labelled words"}


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw the share of words first learned at each epoch; words never learned stand apart."""
    shares = one_view(defined(holding(tables["first_learned"], klass="all")))
    shares = selection.needed(selection.by_noise(shares), "first learning events under noise")
    frame = shares.assign(words=shares["noisy"].map(COLUMN_TITLES))
    layers = first_events.event_layers(
        frame[["panel", "words", "percent", *first_events.FIELDS]],
        style.noise_colour(frame["percent"]),
        alt.Tooltip("percent:O", title="noise, %"),
    )
    faceted = layers.facet(row=style.rows(frame), column=style.columns("words", [*COLUMN_TITLES.values()]))
    return faceted, [style.over_runs(shares), first_events.NEVER_NOTE]


def sentences(tables: Tables) -> list[str]:
    """Say by which epoch half of the clean and of the noisy words have been right, and how many never were."""
    shares = selection.by_noise(one_view(defined(holding(tables["first_learned"], klass="all"))))
    texts = []
    for _, rows in shares.groupby("panel"):
        most = selection.most_noise(rows)
        noisy, clean = most[most["noisy"]], most[~most["noisy"]]
        if noisy.empty or clean.empty:
            continue
        text = (
            f"{selection.subject_at_noise(noisy)}: half of the cleanly labelled words have been right once "
            f"{first_events.half_learned(clean)}, and half of the wrongly labelled words "
            f"{first_events.half_learned(noisy)}"
        )
        never = holding(noisy, epoch=-1)
        texts.append(
            f"{text}; {in_words(never.iloc[0])} of the wrongly labelled words never were." if len(never) else f"{text}."
        )
    return texts
