"""The findings stage: three sentences about a study, computed from its tables."""

from pathlib import Path

import pandas as pd

from settling.analysis.rows import ends, holding, one_view
from settling.analysis.wording import in_words
from settling.errors import one_line
from settling.files import write_text
from settling.frames import read_frame

FINDINGS_TABLES = ("summary", "effects", "systems", "first_learned", "forgetting", "words", "treatments", "datasets")


def write_findings(tables: Path, output: Path) -> None:
    """Write the findings of a study, one sentence a line; `tables` is the folder of its tables.

    For a study with label noise or capped classes the sentences say what noise did to dev F1, what was memorised, and
    what scarcity did to a class. For any other study they say how good its training got, what was learned late, and
    what was forgotten. They are about the pretrained encoders of the study, or about all its systems if it has none.
    Raises BadInput for a missing or foreign table.
    """
    frames = {name: read_frame(tables / f"{name}.parquet", name) for name in FINDINGS_TABLES}
    write_text(output, "".join(f"{one_line(sentence)}\n" for sentence in findings(frames)))


def findings(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return the sentences from the tables FINDINGS_TABLES, by name."""
    systems = tables["systems"]
    treatments, datasets = tables["treatments"], tables["datasets"]
    tables = {name: table for name, table in tables.items() if "system" in table and name != "systems"}
    encoders = systems.loc[(systems["kind"] == "encoder") & systems["pretrained"], "system"]
    if len(encoders):
        tables = {name: table[table["system"].isin(encoders)] for name, table in tables.items()}
    summary = tables["summary"]
    if summary["family"].isin(["noise", "cap"]).any():
        return [
            noise_line(summary, treatments, datasets),
            memorisation_line(summary),
            cap_line(summary, tables["effects"]),
        ]
    if summary.empty:
        return ["Training: the tables hold no run."]
    clean = holding(summary, family="clean")
    candidates = clean if len(clean) else summary
    setting = {name: str(candidates[name].min()) for name in ("dataset", "treatment", "system")}
    tables = {name: holding(table, **setting) for name, table in tables.items()}
    return [
        training_line(tables["summary"], setting),
        late_line(tables["first_learned"], tables["words"]),
        forgetting_line(tables["forgetting"], tables["words"]),
    ]


def at(rows: pd.DataFrame, selected_epoch: str) -> str:
    """Return the estimate at a selected epoch in words, or `undefined` where no run has such an epoch."""
    estimates = holding(rows, selected_epoch=selected_epoch)
    return in_words(estimates.iloc[0]) if len(estimates) else "undefined"


def of_most_noise(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the highest noise level, for the first data set, system and kind of noise that have it."""
    noisy = holding(table, family="noise")
    return first(holding(noisy, percent=noisy["percent"].max()), "dataset", "system", "treatment")


def first(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Keep the rows with the smallest value of the first column, then of the next, and so on."""
    for column in columns:
        table = holding(table, **{column: table[column].min()})
    return table


def noise_line(summary: pd.DataFrame, treatments: pd.DataFrame, datasets: pd.DataFrame) -> str:
    """Say what dev F1 is at its best epoch and at the last one, at the highest noise level and with clean labels.

    Of the noise it says what share of the labels is wrong, the mean over noise seeds.
    """
    dev = holding(summary, split="dev", metric="f1", klass="all")
    noisy = of_most_noise(dev)
    if noisy.empty:
        return "Noise: no treatment of this study has label noise."
    dataset, system = noisy["dataset"].iloc[0], noisy["system"].iloc[0]
    splits = holding(treatments, dataset=dataset, treatment=noisy["treatment"].iloc[0])
    wrong = wrong_in_words(splits, holding(datasets, dataset=dataset))
    parts = []
    for name, rows in (
        (f"{int(noisy['percent'].iloc[0])} % noise ({wrong})", noisy),
        ("clean", holding(dev, treatment="clean", dataset=dataset, system=system)),
    ):
        if not rows.empty:
            parts.append(f"{name}: best {at(rows, 'best')}, last {at(rows, 'final')}")
    return f"Noise: dev F1 of {system} on {dataset}, {'; '.join(parts)}."


def wrong_in_words(splits: pd.DataFrame, dataset: pd.DataFrame) -> str:
    """Say what share of the labels of a treatment is wrong, and of the mentions, the means over noise seeds.

    `dataset` is the row of the table `datasets`.
    """
    unit, group = dataset[["unit", "group"]].iloc[0]
    text = f"wrong are {splits['effective_rate'].mean():.2f} of the {unit}s"
    mentions = splits["effective_mention_rate"]
    # An image is its own mention.
    return text if unit == group or mentions.isna().all() else f"{text}, {mentions.mean():.2f} of the mentions"


def memorisation_line(summary: pd.DataFrame) -> str:
    """Say what share of the wrong labels the model predicts at its best epoch on dev and at its last epoch."""
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


def training_line(summary: pd.DataFrame, setting: dict[str, str]) -> str:
    """Say what dev F1 is at its best epoch and at the last one, in a setting: data set, treatment and system."""
    dev = holding(summary, split="dev", metric="f1", klass="all")
    on = "clean labels" if setting["treatment"] == "clean" else setting["treatment"]
    return (
        f"Training: dev F1 of {setting['system']} on {setting['dataset']}, {on}: best {at(dev, 'best')}, "
        f"last {at(dev, 'final')}."
    )


def late_line(first_learned: pd.DataFrame, words: pd.DataFrame) -> str:
    """Say what share of the words was never learned, and which classes the words learned last belong to."""
    never = one_view(holding(first_learned, epoch=-1, noisy=False, klass="all"))
    share = "no word was seen"
    if len(never):
        share = f"{in_words(never.iloc[0])} of the training words were never right"
    return f"Learned late: {share}{of_classes(words, 'last-learned', 'learned last or never')}."


def forgetting_line(forgetting: pd.DataFrame, words: pd.DataFrame) -> str:
    """Say what share of the learned words was forgotten, and which classes the most forgotten words belong to."""
    ratio = one_view(holding(forgetting, metric="ratio", counting="words", noisy=False))
    if ratio.empty:
        return "Forgotten: no training word was ever right, so none could be forgotten."
    share = in_words(ratio.iloc[0])
    text = f"Forgotten: {share} of the training words that were right once were wrong at a later epoch"
    return f"{text}{of_classes(words, 'most-forgotten', 'forgotten most often')}."


def of_classes(words: pd.DataFrame, name: str, what: str) -> str:
    """Count the classes of the words in the list `name`, of the first noise seed; `what` says how they were chosen.

    The text is empty where the list is.
    """
    rows = first(one_view(holding(words, list=name)), "noise_seed")
    if rows.empty:
        return ""
    counts = rows["true_label"].str.partition("-")[2].replace("", "no class").value_counts()
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return f"; of the {len(rows)} {what}, {', '.join(f'{number} of {klass}' for klass, number in most_first)}"


def cap_line(summary: pd.DataFrame, effects: pd.DataFrame) -> str:
    """Say how the F1 of the capped class under the smallest and the largest cap differs from that on clean data."""
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
