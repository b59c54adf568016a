"""What is written in advance of each figure, and that a figure's line and module say all of it."""

import json
import re

import pytest

from settling.figures import FIGURES
from settling.figures.forms import form_of, question_of, title_of
from settling.report.claims import TAG, sourced
from tests.conftest import ROOT

WITH_PAPER = [name for name, figure in FIGURES.items() if figure.paper]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_title_and_a_question_and_says_how_to_read_it(name: str) -> None:
    assert title_of(name)
    assert question_of(name).endswith("?")
    reading = form_of(name).READING
    assert len(reading.split()) > 30
    assert reading.endswith(".")


def test_no_two_figures_have_one_title_or_question() -> None:
    for text_of in (title_of, question_of):
        texts = [text_of(name) for name in FIGURES]
        assert len(texts) == len(set(texts)) == len(FIGURES)


@pytest.mark.parametrize("name", WITH_PAPER)
def test_what_the_paper_shows_has_a_source_that_is_no_recollection(name: str) -> None:
    paper = FIGURES[name].paper
    assert {kind for kind, _ in TAG.findall(paper)} & set("ABIS")
    assert "[" not in sourced(paper)


def test_tags_are_spelt_out_together() -> None:
    assert sourced("It lasts. [B][S3-6]") == "It lasts. (a blog post on the paper; slides on the paper, 3-6)"
    assert sourced("[A]") == "(the abstract)"
    assert sourced("an [other] bracket") == "an [other] bracket"


def test_a_figure_is_drawn_again_for_what_changes_the_drawing_and_not_for_what_is_said_beside_it() -> None:
    figure = FIGURES["appC_without_pretraining"]
    beside = figure._replace(paper="Another account. [A]", question="Another?", number="figure 99")
    assert beside.drawing == figure.drawing
    assert str(beside) != str(figure)
    for change in (
        {"title": "Another"},
        {"reads": ("curves",)},
        {"needs": FIGURES["phases"].needs},
        {"form": "phases"},
    ):
        assert figure._replace(**change).drawing != figure.drawing


def test_the_list_of_figures_in_the_docs_is_the_registry() -> None:
    text = (ROOT / "docs" / "figures.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| .*`.*\|$", text, re.M)]
    assert rows == [
        [
            figure.number or "(ours)",
            f"`{name}`",
            ", ".join(figure.reads),
            figure.needs.missing().removeprefix("no run "),
        ]
        for name, figure in FIGURES.items()
    ]


def test_what_travels_alone_cites_no_file_of_the_docs() -> None:
    written = json.dumps([[form_of(name).READING, question_of(name), FIGURES[name].paper] for name in FIGURES])
    page = (ROOT / "src" / "settling" / "report" / "page.html").read_text()
    code = "".join(path.read_text() for path in (ROOT / "src" / "settling" / "figures").glob("*.py"))
    assert len(written) > 1000
    for text in (written, page, code):
        assert "docs/" not in text
