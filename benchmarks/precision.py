"""`python benchmarks/precision.py`: what bfloat16 changes in the study of precision.yaml, to benchmarks/precision.md.

Runs with one seed have the same noise, weights and order in both precisions, so they are paired by it.
"""

from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
TABLES = HERE.parent / "results" / "precision" / "tables"
PRECISIONS = {"minilm": "float32", "minilm-bfloat16": "bfloat16"}
EPOCHS = (0, 1, 2, 4, 6, 9)

OF_DEV = {"split": "dev", "reference": "true", "class": "all", "metric": "f1"}
OF_RUN = {"view": "epoch-end", "selected_epoch": "run", "class": "all"}
OF_WRONG_LABELS = {"split": "train", "view": "epoch-end", "reference": "given", "metric": "noisy_accuracy"}
OF_DETECTORS = {"view": "epoch-end", "rate": "any", "metric": "average_precision"}
# What is compared: its name, its table, and which rows of the table it is.
FIGURES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("dev F1, best epoch", "measures", {**OF_DEV, "selected_epoch": "best"}),
    ("dev F1, last epoch", "measures", {**OF_DEV, "selected_epoch": "final"}),
    ("epochs of fitting", "measures", {**OF_RUN, "metric": "fitting_epochs"}),
    ("epochs of settling", "measures", {**OF_RUN, "metric": "settling_epochs"}),
    *(
        (f"accuracy on wrong labels after epoch {epoch}", "run_curves", {**OF_WRONG_LABELS, "epoch": epoch})
        for epoch in EPOCHS
    ),
    *(
        (f"average precision, {name}", "detection_runs", {**OF_DETECTORS, "detector": detector, "selected_epoch": last})
        for name, detector, last in (
            ("loss of the best epoch", "loss", "best"),
            ("mean loss", "loss-mean", "final"),
            ("area under the margin", "area-under-margin", "final"),
        )
    ),
)


def main() -> None:
    """Write the page."""
    compared = [(name, *comparison(by_seed(table, where))) for name, table, where in FIGURES]
    verdicts = [verdict for *_, verdict in compared]
    lines = [
        "# What bfloat16 changes in what a study finds",
        "",
        "Written by `benchmarks/precision.py`, from the study in `benchmarks/precision.yaml`:",
        "CoNLL-2003, 1,500 sentences, 20 % of the labels wrong, MiniLM of 6 layers, 10 epochs, the same seeds in both.",
        "Epochs count from 0.",
        "Mean and standard deviation are over seeds, and the difference, bfloat16 less float32, is paired by seed.",
        "It is within the spread where its mean is no further from 0 than one standard deviation of float32.",
        f"So it is for {verdicts.count('yes')} of the {len(verdicts) - verdicts.count('')} figures that are defined.",
        "",
        f"| figure | {' | '.join(PRECISIONS.values())} | difference | pairs | within the spread |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {name} | {cells} | {verdict} |" for name, cells, verdict in compared),
        "",
    ]
    (HERE / "precision.md").write_text("\n".join(lines))


def by_seed(table: str, where: dict[str, Any]) -> pd.DataFrame:
    """Return the values of some rows of a table: a row a seed, a column a precision; without undefined pairs."""
    rows = pd.read_parquet(TABLES / f"{table}.parquet")
    for column, value in where.items():
        rows = rows[rows[column] == value]
    values = rows.astype({"system": str}).pivot(index="seed", columns="system", values="value")
    return values.reindex(columns=list(PRECISIONS)).rename(columns=PRECISIONS).dropna()


def comparison(values: pd.DataFrame) -> tuple[str, str]:
    """Return both precisions and their difference as cells of a row, and whether it is within the spread."""
    if len(values) < 2:
        return f"undefined | undefined | undefined | {len(values)}", ""
    difference = values["bfloat16"] - values["float32"]
    cells = [f"{part.mean():.4f} ± {part.std():.4f}" for part in (values["float32"], values["bfloat16"])]
    cells += [f"{difference.mean():+.4f} ± {difference.std():.4f}", str(len(values))]
    return " | ".join(cells), "yes" if abs(difference.mean()) <= values["float32"].std() else "no"


main()
