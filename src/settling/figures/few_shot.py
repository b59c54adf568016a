"""ProtoBERT and the encoder it starts from over the sentences kept of a class, and their paired difference."""

from typing import Any, Literal

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view
from settling.analysis.wording import in_words
from settling.figures import selection, style
from settling.figures.selection import Tables

FEW_SHOT_READING = (
    "against the number of sentences that hold the capped class. The systems are ProtoBERT, with centroids over the "
    "whole training set or running ones, and the encoder that starts from the same checkpoint. Each run is taken at "
    "its epoch of best dev F1. Dotted lines are the same systems on all sentences, over all their clean runs. On "
    "the right is the difference between ProtoBERT and the encoder, between runs of the same noise seed and seed. The "
    "claims say whether a difference holds."
)

DRAWN = ["panel", "system", "baseline_system", "cap_sentences", "mean", "low", "high", "n"]


def drawn(tables: Tables, of: Literal["class", "all"]) -> tuple[style.Chart, list[str]]:
    """Draw a row for each data set and capped class: F1 of that class or of all, and beside it the difference."""
    scores, systems = cap_scores(tables["summary"], of), tables["systems"]
    prototypes = scores[scores["system"].isin(systems.loc[systems["kind"] == "protobert", "system"])]
    every = scores[scores["panel"].isin(prototypes["panel"])]
    capped = selection.needed(every[every["cap_sentences"].notna()], "dev F1 of ProtoBERT under a cap")
    scores = defined(every)
    gaps = defined(cap_scores(paired_with_encoder(tables["contrasts"], systems), of))
    # The same rows on both sides, and on the right no difference between clean trainings.
    empty = scores[["panel"]].drop_duplicates()
    gaps = pd.concat([gaps[gaps["cap_sentences"].notna()], empty[~empty["panel"].isin(gaps["panel"])]])

    pick = style.picking("system")
    base = style.interval_text(alt.Chart()).encode(color=style.system_colour(scores["system"], systems))
    f1 = style.share("mean", "F1 on dev")
    # The left part holds the one selection, which fades both.
    clean = (
        base.transform_filter("!isValid(datum.cap_sentences)")
        .mark_rule(strokeDash=[1, 3], strokeWidth=1.6)
        .encode(y=f1, opacity=style.faded(pick), tooltip=style.tooltip(alt.Tooltip("system:N")))
        .add_params(pick)
    )
    zero = alt.Chart().transform_aggregate(groupby=["panel"]).mark_rule(color=style.MUTED).encode(y=alt.datum(0))
    gap = alt.Y("mean:Q", title="Difference in F1, paired")
    kept = sorted({int(number) for number in scores["cap_sentences"].dropna()})
    parts = [
        alt.layer(under, *system_layers(base, kept, pick, axis), data=frame.reindex(columns=DRAWN))
        .properties(width=style.panel_width(2, axes=2, names=scores["panel"]))
        .facet(row=style.rows(named=frame is scores))
        for under, axis, frame in ((clean, f1, scores), (zero, gap, gaps))
    ]
    return alt.hconcat(*parts, spacing=style.BETWEEN), [
        style.over_runs(capped, interval="Bar"),
        style.DOTTED_IS_ALL,
        "Right: ProtoBERT less the encoder that starts from the same checkpoint, in pairs of one seed and noise seed.",
        *selection.undefined(every),
    ]


def cap_scores(frame: pd.DataFrame, of: Literal["class", "all"]) -> pd.DataFrame:
    """Return dev F1 of capped and clean training at the best epoch on dev, of the capped class or of all."""
    scores = holding(frame, selected_epoch="best", split="dev", reference="true", metric="f1")
    capped = selection.by_cap(one_view(scores), "cap")
    return capped[capped["class"] == (capped["capped"] if of == "class" else "all")]


def paired_with_encoder(contrasts: pd.DataFrame, systems: pd.DataFrame) -> pd.DataFrame:
    """Return the contrasts of ProtoBERT with an encoder that starts from the same checkpoint."""
    made_of = systems.set_index("system")[["kind", "checkpoint"]]
    system, baseline = (made_of.reindex(contrasts[name]).reset_index() for name in ("system", "baseline_system"))
    alike = (system["kind"] == "protobert") & (baseline["kind"] == "encoder")
    return contrasts[(alike & (system["checkpoint"] == baseline["checkpoint"])).to_numpy(dtype=bool)]


def system_layers(base: alt.Chart, kept: list[int], pick: alt.Parameter, axis: alt.Y) -> list[alt.Chart]:
    """Return a line with points and bars for each system, or pair of systems, over the sentences kept."""
    capped = base.transform_filter("isValid(datum.cap_sentences)").encode(
        x=style.sentences_kept(kept),
        detail="baseline_system:N",
        tooltip=style.tooltip(
            alt.Tooltip("system:N"),
            alt.Tooltip("baseline_system:N", title="less"),
            alt.Tooltip("cap_sentences:Q", title="sentences kept"),
        ),
    )
    bar = capped.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=1.2)
    line = capped.mark_line(strokeWidth=1.8).encode(y=axis, opacity=style.faded(pick))
    point = capped.mark_point(filled=True, size=36).encode(y=axis, opacity=style.faded(pick))
    return [bar.encode(y=alt.Y("low:Q"), y2="high:Q", opacity=style.faded(pick, 0.7)), line, point]


def gap_sentences(tables: Tables, of: Literal["class", "all"]) -> list[str]:
    """Say by how much ProtoBERT differs from its encoder at the fewest and the most sentences kept."""
    gaps = cap_scores(paired_with_encoder(tables["contrasts"], tables["systems"]), of)
    gaps = gaps[gaps["cap_sentences"].notna()]
    texts = []
    for (dataset, capped, system, baseline), rows in gaps.groupby(["dataset", "capped", "system", "baseline_system"]):
        if rows["mean"].isna().all():
            texts.append(f"{system} less {baseline} on {dataset}: F1 is {in_words(rows.iloc[0])}.")
            continue
        parts = [
            f"{in_words(row, signed=True)} with {int(row['cap_sentences'])} sentences of {capped}{against_zero(row)}"
            for row in ends(rows, "cap_sentences")
        ]
        texts.append(f"{system} less {baseline} on {dataset}: F1 {'; '.join(parts)}.")
    return texts


def against_zero(row: "pd.Series[Any]") -> str:
    """Say where the interval of a difference lies, if it has a value."""
    if pd.isna(row["mean"]):
        return ""
    if pd.isna(row["low"]):
        return ", of one run"
    if row["low"] <= 0 <= row["high"]:
        return ", an interval that holds 0"
    return ", an interval above 0" if row["low"] > 0 else ", an interval below 0"
