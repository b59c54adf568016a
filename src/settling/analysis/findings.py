"""What the study found, in lines computed from its tables."""

from pathlib import Path

import pandas as pd

from settling.analysis.rows import ends, holding, one_view
from settling.analysis.wording import in_words
from settling.errors import one_line
from settling.files import write_text
from settling.frames import read_frame

# The tables that are read.
READ = ("summary", "effects", "systems", "first_learned", "forgetting", "words")


def write_findings(tables: Path, output: Path) -> None:
    """Write three lines: what noise did to dev F1, what was memorised, and what scarcity did to a class.

    Of a study without either they say how good its training got, what was learned late, and what was forgotten. They
    are about the pretrained encoders of the study, or about all its systems where it has none.
    """
    frames = {name: read_frame(tables / f"{name}.parquet", name) for name in READ}
    systems = frames.pop("systems")
    encoders = systems.loc[(systems["kind"] == "encoder") & systems["pretrained"], "system"]
    if len(encoders):
        frames = {name: table[table["system"].isin(encoders)] for name, table in frames.items()}
    write_text(output, "".join(f"{one_line(line)}\n" for line in lines(frames)))


def lines(frames: dict[str, pd.DataFrame]) -> list[str]:
    """Return the three lines from the tables READ, by name."""
    summary = frames["summary"]
    if summary["family"].isin(["noise", "cap"]).any():
        return [noise_line(summary), memorisation_line(summary), cap_line(summary, frames["effects"])]
    plain = holding(summary, family="clean") if len(holding(summary, family="clean")) else summary
    place = {name: str(plain[name].min()) for name in ("dataset", "treatment", "system")}
    if summary.empty:
        return ["Training: the tables hold no run."]
    of_place = {name: holding(table, **place) for name, table in frames.items()}
    return [
        training_line(of_place["summary"], place),
        late_line(of_place["first_learned"], of_place["words"]),
        forgetting_line(of_place["forgetting"], of_place["words"]),
    ]


def at(rows: pd.DataFrame, selected_epoch: str) -> str:
    """Return the estimate at a selected epoch in words; it is undefined where no run has such an epoch."""
    found = holding(rows, selected_epoch=selected_epoch)
    return in_words(found.iloc[0]) if len(found) else "undefined"


def of_most_noise(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the highest noise level, first data set and first system that has it."""
    noisy = holding(table, family="noise")
    return first(holding(noisy, percent=noisy["percent"].max()), "dataset", "system", "kind")


def first(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows that have the first value, in order, of each column in turn."""
    for column in columns:
        table = holding(table, **{column: table[column].min()})
    return table


def noise_line(summary: pd.DataFrame) -> str:
    """Say how dev F1 falls from its best to the last epoch under most noise, and when labels are clean."""
    dev = holding(summary, split="dev", metric="f1", klass="all")
    noisy = of_most_noise(dev)
    if noisy.empty:
        return "Noise: no treatment of this study has label noise."
    place = {"dataset": noisy["dataset"].iloc[0], "system": noisy["system"].iloc[0]}
    parts = []
    for name, rows in (
        (f"{int(noisy['percent'].iloc[0])} % noise", noisy),
        ("clean", holding(dev, treatment="clean", **place)),
    ):
        if not rows.empty:
            parts.append(f"{name}: best {at(rows, 'best')}, last {at(rows, 'final')}")
    return f"Noise: dev F1 of {place['system']} on {place['dataset']}, " + "; ".join(parts) + "."


def memorisation_line(summary: pd.DataFrame) -> str:
    """Say what share of the wrong labels the model gives at its best epoch on dev, and at the end."""
    rows = of_most_noise(holding(summary, split="train", metric="noisy_accuracy", reference="given"))
    if rows.empty and (summary["family"] == "noise").any():
        return "Memorisation: no training word of this study was given a wrong label."
    if rows.empty:
        return "Memorisation: no treatment of this study has label noise."
    rows = one_view(rows)
    return (
        f"Memorisation: of the wrong labels, {rows['system'].iloc[0]} gave {at(rows, 'best')} when dev F1 was best "
        f"and {at(rows, 'final')} at the end."
    )


def training_line(summary: pd.DataFrame, place: dict[str, str]) -> str:
    """Say what dev F1 of one system on one treatment is at its best epoch and at the last."""
    dev = holding(summary, split="dev", metric="f1", klass="all")
    on = "clean labels" if place["treatment"] == "clean" else place["treatment"]
    return (
        f"Training: dev F1 of {place['system']} on {place['dataset']}, {on}: best {at(dev, 'best')}, "
        f"last {at(dev, 'final')}."
    )


def late_line(first_learned: pd.DataFrame, words: pd.DataFrame) -> str:
    """Say what share of the words was never learned, and of which classes the words are that were learned last."""
    never = one_view(holding(first_learned, epoch=-1, noisy=False, klass="all"))
    share = "no word was seen"
    if len(never):
        share = f"{in_words(never.iloc[0])} of the training words were never right"
    return f"Learned late: {share}{of_classes(words, 'last-learned', 'learned last or never')}."


def forgetting_line(forgetting: pd.DataFrame, words: pd.DataFrame) -> str:
    """Say what share of the learned words was forgotten, and of which classes those are that were so most often."""
    ratio = one_view(holding(forgetting, metric="ratio", counting="words", noisy=False))
    if ratio.empty:
        return "Forgotten: no training word was ever right, so none could be forgotten."
    share = in_words(ratio.iloc[0])
    text = f"Forgotten: {share} of the training words that were right once were wrong at a later epoch"
    return f"{text}{of_classes(words, 'most-forgotten', 'forgotten most often')}."


def of_classes(words: pd.DataFrame, name: str, what: str) -> str:
    """Say of which classes the words of a list are, in the first noise seed; nothing where none is listed."""
    listed = first(one_view(holding(words, list=name)), "noise_seed")
    if listed.empty:
        return ""
    classes = listed["true_label"].str.partition("-")[2].replace("", "no class").value_counts()
    counts = ", ".join(f"{number} of {found}" for found, number in sorted(classes.items(), key=lambda x: (-x[1], x[0])))
    return f"; of the {len(listed)} {what}, {counts}"


def cap_line(summary: pd.DataFrame, effects: pd.DataFrame) -> str:
    """Say what the smallest and the largest cap did to the F1 of the capped class."""
    rows = holding(effects, family="cap", selected_epoch="final", split="dev", metric="f1", baseline="clean")
    rows = rows[rows["class"] == rows["cap_class"]]
    if holding(summary, family="cap").empty:
        return "Scarcity: no class of this study is capped."
    if rows.empty:
        return "Scarcity: no capped run has a clean run of the same system and seed to be compared with."
    rows = first(rows, "dataset", "system", "cap_class")
    name, system, dataset = (rows[column].iloc[0] for column in ("cap_class", "system", "dataset"))
    text = f"Scarcity: dev F1 of {name} against all its sentences ({system} on {dataset})"
    if rows["mean"].isna().all():
        return f"{text} is {in_words(rows.iloc[0])}."
    parts = [
        f"{int(row['cap_sentences'])} sentences {in_words(row, signed=True)}" for row in ends(rows, "cap_sentences")
    ]
    return f"{text}: {'; '.join(parts)}."
