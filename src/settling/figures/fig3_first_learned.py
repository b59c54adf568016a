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
    "the share of training words that have had it by that epoch: solid for wrongly labelled words, dashed for "
    f"cleanly labelled ones. {first_events.EVENTS_READING} A solid line that stays low after the dashed one has "
    "risen, and rises only later, means that fitting and memorisation are apart."
)

WORDS = {True: "wrongly labelled", False: "cleanly labelled"}


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw the share of words learned by each epoch, a panel for each data set, system and kind of noise."""
    shares = one_view(defined(holding(tables["first_learned"], klass="all")))
    shares = selection.needed(selection.by_noise(shares), "first learning events under noise")
    frame = shares.assign(words=shares["noisy"].map(WORDS))
    words = alt.StrokeDash("words:N", title="Words", legend=style.SECOND)
    layers = first_events.learned_layers(
        first_events.learned(frame[["panel", "words", "percent", *first_events.FIELDS]]),
        [style.noise_colour(frame["percent"]), words.scale(domain=[*WORDS.values()], range=style.SOLID_DASHED)],
        alt.Tooltip("percent:O", title="noise, %"),
    )
    notes = [first_events.SHARE_NOTE, style.over_runs(shares, interval="Bar at its end")]
    return style.wrapped(layers, frame).resolve_scale(x="independent"), notes


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
