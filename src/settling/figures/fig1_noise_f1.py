"""Train and dev F1 by epoch and noise level (the paper's figure 1, and its appendices A, B, C, I)."""

import altair as alt
import pandas as pd

from settling.analysis.rows import holding, one_view
from settling.analysis.wording import in_words
from settling.figures import end_labels, selection, settling_bars, style
from settling.figures.selection import Tables

TITLE = "F1 under label noise"
QUESTION = "Does a pretrained model stay near its best while labels are wrong, and when does it begin to memorise?"
CURVES_READING = (
    "Each curve is micro F1 of entities by epoch. Its colour is the nominal level of label noise, darker for more. "
    "On the left is F1 on the training words, against the labels given, wrong ones included. On the right is F1 on "
    "dev, against the true labels. A dashed line is the train F1 of a model that still gives every word its true "
    "label. While a train curve lies flat on its dashes, the model has settled. Where it rises above them, the "
    "model memorises."
)
READING = f"{CURVES_READING} {settling_bars.BARS_READING}"

TRAIN, DEV = "train, against the given labels", "dev, against the true labels"
TAKEN = {"epoch-end": "after each epoch (epoch-end)", "minibatch": "as its batches pass (minibatch)"}


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set, system and kind of noise; dashes are the F1 of the true labels."""
    pick = style.picking("percent")
    return panels(tables, pick, pick, style.zooming())


def panels(tables: Tables, pick: alt.Parameter, *added: alt.Parameter) -> tuple[alt.FacetChart, list[str]]:
    """Return the chart, which fades by `pick`, and its notes."""
    curves = holding(tables["curves"], metric="f1", klass="all")
    train = one_view(holding(curves, split="train", reference="given")).assign(scored=TRAIN)
    dev = one_view(holding(curves, split="dev", reference="true")).assign(scored=DEV)
    scores = selection.by_noise(pd.concat([train, dev]))
    measured = selection.needed(scores, "train or dev F1 under noise")
    drawn = ["panel", "scored", "percent", "epoch", "view", "mean", "low", "high", "n"]
    bars = settling_bars.settling_rows(tables["phases"], measured)
    lowest = settling_bars.lowest(bars)
    on_both = [bars.assign(scored=scored) for scored in (TRAIN, DEV)]
    ends = end_labels.placed(measured, ["panel", "scored"], "percent")
    frame = pd.concat([measured[drawn], settled_f1(tables["treatments"], measured), *on_both, ends])

    base = alt.Chart().encode(color=style.noise_colour(frame["percent"], legend=ends.empty))
    curve = style.interval_text(base.transform_filter("isValid(datum.mean)")).encode(
        x=style.epochs(),
        tooltip=style.tooltip(
            alt.Tooltip("percent:O", title="noise, %"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("view:N", title="predictions taken"),
        ),
    )
    band = style.band(curve, style.share("low", "Micro F1", lowest), pick)
    line = curve.mark_line(clip=True, strokeWidth=1.8, point={"size": 14}).encode(y="mean:Q", opacity=style.faded(pick))
    plateau = (
        base.transform_filter("isValid(datum.settled)")
        .mark_rule(clip=True, strokeDash=[5, 3], strokeWidth=1.2)
        .encode(
            y="settled:Q",
            opacity=style.faded(pick, 0.9),
            tooltip=[
                alt.Tooltip("percent:O", title="noise, %"),
                alt.Tooltip("settled:Q", title="F1 of the true labels", format=".3f"),
            ],
        )
    )
    layers = [band.add_params(*added), plateau, line]
    if len(bars):
        layers.append(settling_bars.settling_layer(base, style.share("height", "Micro F1", lowest), pick))
    if len(ends):
        layers.append(end_labels.label_layer(base, style.share("end", "Micro F1", lowest), "percent:O", pick))
    layered = alt.layer(*layers, data=frame).properties(height=style.height(lowest))
    faceted = style.in_rows(layered, frame, "scored", [TRAIN, DEV])
    dashes = "Dashes: train F1 of a model that still gives every word its true label."
    notes = [style.over_runs(measured), *end_labels.note(ends, style.NOISE), dashes, settling_bars.note(bars)]
    return faceted, [*notes, taken(measured[measured["scored"] == TRAIN]), *selection.undefined(scores)]


def taken(train: pd.DataFrame) -> str:
    """Say when the predictions behind train F1 are taken, and of which systems where they differ."""
    systems = {str(view): ", ".join(sorted(set(rows["system"]))) for view, rows in train.groupby("view")}
    named = [TAKEN[view] + (f" for {of}" if len(systems) > 1 else "") for view, of in systems.items()]
    return f"Train F1 is taken {', '.join(named)}." if named else "No train F1 is defined."


def settled_f1(treatments: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return F1 of the true against the given labels, mean over noise seeds, for each train panel and level."""
    keys = settling_bars.PLATEAU_KEYS
    train_panels = measured.loc[measured["scored"] == TRAIN, [*keys, "panel", "scored"]].drop_duplicates()
    levels = train_panels.merge(settling_bars.plateaus(treatments), on=keys)
    return levels[["panel", "scored", "percent", "settled"]]


def sentences(tables: Tables) -> list[str]:
    """Say where dev F1 is best and ends, and how far train F1 goes beyond that of the true labels."""
    curves = holding(tables["curves"], metric="f1", klass="all")
    dev = selection.by_noise(one_view(holding(curves, split="dev", reference="true")))
    train = selection.by_noise(one_view(holding(curves, split="train", reference="given")))
    plateaus = settling_bars.plateaus(tables["treatments"]).set_index(settling_bars.PLATEAU_KEYS)["settled"]
    texts = []
    for panel, rows in dev.groupby("panel"):
        most = int(rows["percent"].max())
        if most == 0:
            continue
        noisy, clean = holding(rows, percent=most), holding(rows, percent=0)
        text = f"{selection.subject(noisy)} at {most} % noise: dev F1 {best_and_last(noisy)}"
        of_train = holding(train, panel=panel, percent=most)
        if len(of_train):
            end = selection.last(of_train)
            text += f"; train F1 {'ends at' if pd.notna(end['mean']) else 'is'} {in_words(end)}"
            plateau = plateaus.get((noisy["dataset"].iloc[0], noisy["noise"].iloc[0], most))
            if pd.notna(plateau):
                text += f", and a model that memorises no noise has {plateau:.2f}"
        if len(clean):
            text += f". With clean labels dev F1 {best_and_last(clean)}"
        texts.append(f"{text}.")
    return texts


def best_and_last(curve: pd.DataFrame) -> str:
    """Say where a curve's mean is highest and where it ends, or that it is undefined."""
    if curve["mean"].isna().any():
        return f"is {in_words(curve[curve['mean'].isna()].iloc[0])}"
    best, end = curve.iloc[int(curve["mean"].to_numpy().argmax())], selection.last(curve)
    if best["epoch"] == end["epoch"]:
        return f"is highest at the last epoch, {int(end['epoch'])}: {in_words(end)}"
    return f"is highest at epoch {int(best['epoch'])}, {in_words(best)}, and ends at {in_words(end)}"
