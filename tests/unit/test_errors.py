"""A stranger's text is checked and shown by one rule: nothing in it moves a cursor, a line or the order of letters."""

from collections.abc import Callable
from pathlib import Path

import pytest

from settling.analysis.findings import write_findings
from settling.errors import BadInput, check_text, one_line, one_line_errors, printable, tell, visible
from settling.training.progress import say
from tests.unit.figures import synthetic

BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
MARKS = [0x200E, 0x200F, 0x061C]
CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
LEGIBLE = [
    "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "\u0645\u06cc\N{ZERO WIDTH NON-JOINER}\u062e\u0648\u0627\u0647\u0645",
    "Donau\N{SOFT HYPHEN}dampf",
    "10\N{NO-BREAK SPACE}000",
    "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}",
    "\u05e9\u05dc\u05d5\u05dd",
    "=SUM(1)",
]


@pytest.mark.parametrize(
    ("codes", "what"),
    [
        ([*range(0x0B), *range(0x0D, 0x1C), 0x7F], "a control character"),
        ([0xD800, 0xDFFF], "half of a surrogate pair"),
    ],
)
def test_what_no_word_holds_is_named_with_its_code(codes: list[int], what: str) -> None:
    for code in codes:
        assert check_text(f"a{chr(code)}b") == f"{what} U+{code:04X}"


@pytest.mark.parametrize(
    "text", [*LEGIBLE, *(f"\u05d0{chr(code)}" for code in [*MARKS, *BIDI, 0x0B, 0x1C, 0x85, 0x2028])]
)
def test_what_words_of_some_script_need_is_allowed(text: str) -> None:
    assert check_text(text) is None


@pytest.mark.parametrize("show", [printable, visible, one_line])
def test_nothing_that_a_terminal_or_a_browser_obeys_stays_raw(show: Callable[[str], str]) -> None:
    for code in {*CONTROLS, *BIDI, *MARKS, 0x2028, 0x2029, 0xD800} - {0x0A}:
        shown = show(f"a{chr(code)}b")
        assert shown == f"a{chr(code).encode('unicode_escape').decode()}b"
        assert shown.isprintable()


def test_newlines_stay_where_lines_are_wanted_and_go_in_one_line() -> None:
    assert printable("a\nb") == visible("a\nb") == "a\nb"
    assert one_line("a\nb") == "a\\nb"


@pytest.mark.parametrize("text", LEGIBLE)
def test_a_page_shows_words_of_every_script_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_a_library_s_error_is_told_without_an_object_s_address() -> None:
    with pytest.raises(BadInput, match=r"^here: ValueError: no <object object>$"), one_line_errors("here"):
        raise ValueError(f"no {object()}")


def test_no_command_prints_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    tell("a\x1b[31m\nb\u202e")
    say("c\x07")
    assert capsys.readouterr() == ("a\\x1b[31m\nb\\u202e\n", "c\\x07\n")


def test_findings_name_no_class_that_a_terminal_obeys(tmp_path: Path) -> None:
    name = "\x1b[31m\u202eLOC"
    tables = synthetic.tables(tmp_path, renamed={"LOC": name})
    capped = {**synthetic.treatment("cap", 5, name), "baseline": "clean", "system": "bert", "selected_epoch": "final"}
    score = {**synthetic.score("dev", "true", "f1"), "class": name}
    synthetic.write(tables, "effects", [{**capped, **score, **synthetic.estimate(0.5, 4)}])
    write_findings(tables, tmp_path / "findings.txt")
    lines = (tmp_path / "findings.txt").read_text().split("\n")
    assert r"F1 of \x1b[31m\u202eLOC" in lines[2]
    assert "".join(lines).isprintable()
