"""What the study found, in three lines computed from its tables."""

from pathlib import Path
from typing import Any

import pandas as pd

from settling.errors import one_line
from settling.files import write_text
from settling.frames import read_frame


def write_findings(tables: Path, output: Path) -> None:
    """Write three lines: what noise did to dev F1, what was memorised, and what scarcity did to a class.

    They are about the pretrained encoders of the study, or about all its systems where it has none.
    """
    summary, effects, systems = (
        read_frame(tables / f"{name}.parquet", name) for name in ("summary", "effects", "systems")
    )
    encoders = systems.loc[(systems["kind"] == "encoder") & systems["pretrained"], "system"]
    if len(encoders):
        summary, effects = (table[table["system"].isin(encoders)] for table in (summary, effects))
    lines = [noise_line(summary), memorisation_line(summary), cap_line(summary, effects)]
    write_text(output, "".join(f"{one_line(line)}\n" for line in lines))


def pick(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return the rows that have all the values."""
    chosen = pd.Series(True, index=table.index)
    for column, value in values.items():
        chosen &= table[column] == value
    return pd.DataFrame(table[chosen])


def spoken(row: "pd.Series[Any]", signed: bool = False) -> str:
    """Put an estimate in words: mean, interval where there is one, n."""
    form = "{:+.2f}" if signed else "{:.2f}"
    interval = f" [{form.format(row['low'])}, {form.format(row['high'])}]" if row["n"] > 1 else ""
    return f"{form.format(row['mean'])}{interval} (n={row['n']})"


def at(rows: pd.DataFrame, moment: str) -> str:
    """Put the one row of a moment in words."""
    return spoken(pick(rows, moment=moment).iloc[0])


def of_most_noise(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the highest noise level, first data set and first system that has it."""
    return first(pick(table, percent=table["percent"].max()), "dataset", "system", "kind")


def first(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows that have the first value, in order, of each column in turn."""
    for column in columns:
        table = pick(table, **{column: table[column].min()})
    return table


def noise_line(summary: pd.DataFrame) -> str:
    """Say how dev F1 falls from its best to the last epoch under most noise, and when labels are clean."""
    dev = pick(summary, split="dev", metric="f1", **{"class": "all"})
    noisy = of_most_noise(dev)
    if noisy.empty:
        return "Noise: no treatment of this study has label noise."
    place = {"dataset": noisy["dataset"].iloc[0], "system": noisy["system"].iloc[0]}
    parts = []
    for name, rows in (
        (f"{int(noisy['percent'].iloc[0])} % noise", noisy),
        ("clean", pick(dev, treatment="clean", **place)),
    ):
        if not rows.empty:
            parts.append(f"{name}: best {at(rows, 'best')}, last {at(rows, 'final')}")
    return f"Noise: dev F1 of {place['system']} on {place['dataset']}, " + "; ".join(parts) + "."


def memorisation_line(summary: pd.DataFrame) -> str:
    """Say what share of the wrong labels the model gives at its best epoch on dev, and at the end."""
    rows = of_most_noise(pick(summary, split="train", metric="noisy_accuracy", reference="given"))
    if rows.empty:
        return "Memorisation: no treatment of this study has label noise."
    view = "epoch-end" if "epoch-end" in set(rows["view"]) else "minibatch"
    rows = pick(rows, view=view)
    return (
        f"Memorisation: of the wrong labels, {rows['system'].iloc[0]} gave {at(rows, 'best')} when dev F1 was best "
        f"and {at(rows, 'final')} at the end."
    )


def cap_line(summary: pd.DataFrame, effects: pd.DataFrame) -> str:
    """Say what the smallest and the largest cap did to the F1 of the capped class."""
    rows = pick(effects, kind="cap", moment="final", split="dev", metric="f1", baseline="clean")
    rows = rows[rows["class"] == rows["cap_class"]]
    if pick(summary, kind="cap").empty:
        return "Scarcity: no class of this study is capped."
    if rows.empty:
        return "Scarcity: no capped run has a clean run of the same system and seed to be compared with."
    rows = first(rows, "dataset", "system", "cap_class").sort_values("cap_sentences")
    ends = rows.iloc[[0, -1]] if len(rows) > 1 else rows
    parts = [f"{int(row['cap_sentences'])} sentences {spoken(row, signed=True)}" for _, row in ends.iterrows()]
    name, system, dataset = (rows[column].iloc[0] for column in ("cap_class", "system", "dataset"))
    return f"Scarcity: dev F1 of {name} against all its sentences ({system} on {dataset}): " + "; ".join(parts) + "."
