"""Tables without a row, with one, and with nothing but undefined values: all that reads them after training stands."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from settling.analysis import findings
from settling.analysis.caps import class_thresholds
from settling.claims.claim import read_claims
from settling.claims.decide import decided
from settling.claims.text import printed
from settling.config import load
from settling.figures import FIGURES
from settling.figures.forms import texts_of
from settling.figures.plot import specification, vector
from settling.frames import read_frame
from settling.layout import TABLES
from settling.report import explorer, methods, words
from settling.report.page import inert
from settling.schemas import SCHEMAS
from settling.study import runs
from settling.tables import write_table
from tests.conftest import ROOT
from tests.unit.figures import synthetic
from tests.unit.report import made_up

NAMES = (*TABLES, "quotes")
# One figure of each module.
FORMS = [*{figure.module: name for name, figure in FIGURES.items()}.values()]
BARE = ("no row", "the first row", "the last row", "undefined values")
# What says which split has no mention of the capped class, in the figures and sentences that are about it.
OF_CLASS = ("fig4_capped_f1", "fig6_class_caps", "fig9_few_shot_class")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables of a made-up study."""
    folder, study = synthetic.tables(tmp_path_factory.mktemp("whole")), load(made_up.CONFIG)
    for name, make in (("measures", made_up.measures), ("run_curves", made_up.curves)):
        synthetic.write(folder, name, [row for run in runs(study) for row in make(study, run)])
    for name in ("effects", "detection_runs"):
        synthetic.write(folder, name, [])
    return {name: read_frame(folder / f"{name}.parquet", name) for name in NAMES}


@pytest.fixture(scope="module", params=BARE)
def bare(
    request: pytest.FixtureRequest, whole: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, pd.DataFrame]]:
    """What is left of the tables, their folder, and the tables by name."""
    folder = tmp_path_factory.mktemp("bare")
    for name, table in whole.items():
        left = {"no row": table.head(0), "the first row": table.head(1), "the last row": table.tail(1)}.get(
            request.param, table
        )
        # Without their cards no system's rows are shown.
        left = left if request.param == "no row" or name != "systems" else table
        if request.param == "undefined values":
            nullable = {field.name for field in SCHEMAS[name] if field.nullable}
            numbers = nullable & {
                "mean",
                "sd",
                "low",
                "high",
                "value",
                "nominal_rate",
                "effective_mention_rate",
                "settled_f1",
            }
            left = left.assign(**dict.fromkeys(numbers), **({"n": 0} if "mean" in table else {}))
        write_table(folder / f"{name}.parquet", name, {column: left[column].to_numpy() for column in left}, {})
    return request.param, folder, {name: read_frame(folder / f"{name}.parquet", name) for name in NAMES}


Bare = tuple[str, Path, dict[str, pd.DataFrame]]


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_drawn_and_says_what_is_missing(figure: str, bare: Bare) -> None:
    left, folder, _ = bare
    text = specification(figure, folder)
    assert json.dumps(texts_of(figure, bare[2])["title"], ensure_ascii=False) in text
    if left in ("no row", "undefined values") and figure != "appD_forgotten_words":
        assert "Nothing to show: no run has " in text
    if left == "no row" and figure == "appD_forgotten_words":
        assert "No word was forgotten." in text
    if figure in FORMS and not FIGURES[figure].is_table:
        assert vector(text).startswith("<svg")


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_a_sentence_without_a_number_that_is_none(figure: str, bare: Bare) -> None:
    said = texts_of(figure, bare[2])["sentences"]
    assert said
    for sentence in said:
        assert sentence.endswith(".")
        assert not re.search(r"\bnan\b|\[\]", sentence)
        if bare[0] == "undefined values" and figure != "appD_forgotten_words":
            assert not re.search(r"\d\.\d\d", sentence)


def test_findings_and_claims_are_made(bare: Bare, tmp_path: Path) -> None:
    _, folder, tables = bare
    findings.write_findings(folder, tmp_path / "findings.txt")
    said = (tmp_path / "findings.txt").read_text().splitlines()
    assert said
    assert all(line.endswith(".") and "nan" not in line.split() for line in said)
    frames = {**tables, "class_thresholds": class_thresholds(tables["measures"])}
    rows = [row for claim in read_claims(ROOT / "config" / "claims.yaml") for row in decided(claim, frames)]
    assert {row["verdict"] for row in rows} <= {"not run", "undecided"}
    assert printed(pd.DataFrame(rows, columns=SCHEMAS["claims"].names), frames)


def test_the_report_s_data_are_made(bare: Bare) -> None:
    tables = bare[2]
    content = explorer.content(tables)
    assert inert(content)
    assert inert(words.content(tables))
    assert not any("nan" in value for row in methods.treatment_rows(tables["treatments"]) for value in row.values())
    assert bool(content["runs"]) == bool(len(tables["run_curves"]))


def test_the_explorer_has_no_value_where_one_is_undefined(whole: dict[str, pd.DataFrame]) -> None:
    curves = whole["run_curves"].assign(value=float("nan"))
    measures = whole["measures"]
    measures = measures.assign(value=measures["value"].mask(measures["metric"] == "settles"))
    found = explorer.content({**whole, "run_curves": curves, "measures": measures})["runs"]
    assert found
    for *_, values, ends in found:
        assert {value for _, of_curve in values for value in of_curve} == {None}
        assert ends == []


@pytest.fixture(scope="module")
def without_loc(
    whole: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, pd.DataFrame]]:
    """The tables, their folder and by name, where dev has no mention of LOC."""
    folder, tables = tmp_path_factory.mktemp("without_loc"), {}
    for name, table in whole.items():
        if {"class", "split", "mean"} <= set(table):
            undefined = (table["class"] == "LOC") & (table["split"] == "dev")
            numbers = ["mean", "sd", "low", "high"]
            table = table.assign(**{column: table[column].mask(undefined) for column in numbers})
            table = table.assign(n=table["n"].mask(undefined, 0))
        write_table(folder / f"{name}.parquet", name, {column: table[column].to_numpy() for column in table}, {})
        tables[name] = read_frame(folder / f"{name}.parquet", name)
    return folder, tables


@pytest.mark.parametrize("figure", OF_CLASS)
def test_a_figure_of_a_class_that_dev_lacks_has_no_mark_for_it_and_says_why(
    figure: str, without_loc: tuple[Path, dict[str, pd.DataFrame]]
) -> None:
    folder, tables = without_loc
    text = specification(figure, folder)
    assert "Undefined on tweets: dev has no mention of LOC." in text
    drawn = synthetic.drawn_rows(folder, figure)
    of_loc = [row for row in drawn if "LOC" in str(row.get("panel")) and "tweets" in str(row["panel"])]
    of_dev = [row for row in of_loc if row.get("scored") in ("dev", "F1 of the capped class") and "symbol" not in row]
    assert of_loc or figure == "fig9_few_shot_class"
    assert not [row for row in of_dev if row.get("mean") is not None]
    assert drawn
    assert any("undefined: dev has no mention of LOC" in sentence for sentence in texts_of(figure, tables)["sentences"])
