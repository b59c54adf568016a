"""What is written in advance under each figure."""

import pytest

from settling.figures import FIGURES
from settling.report.captions import PAPER, caption
from settling.report.claims import TAG, sourced


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_question_and_says_how_to_read_it(name: str) -> None:
    assert FIGURES[name].question.endswith("?")
    assert len(caption(name).reading.split()) > 30


@pytest.mark.parametrize("name", PAPER)
def test_what_the_paper_shows_has_a_source_that_is_no_recollection(name: str) -> None:
    assert name in FIGURES
    assert {kind for kind, _ in TAG.findall(PAPER[name])} & set("ABIS")
    assert "[" not in sourced(PAPER[name])


def test_tags_are_spelt_out_together() -> None:
    assert sourced("It lasts. [B][S3-6]") == "It lasts. (a blog post on the paper; slides on the paper, 3-6)"
    assert sourced("[A]") == "(the abstract)"
    assert sourced("an [other] bracket") == "an [other] bracket"
