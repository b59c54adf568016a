"""The page as text: complete, the same every time, and inert whatever the data sets say."""

import base64
import hashlib
import itertools
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import vl_convert

from settling import errors
from settling.canonical import canonical
from settling.config import load
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.forms import question_of, title_of
from settling.figures.plot import VEGALITE
from settling.frames import read_frame
from settling.report.claims import claims_in_order
from settling.report.page import write_report
from settling.study import report_spec
from tests.conftest import run_command
from tests.unit.report.made_up import BREAKING, CLAIMS, CONFIG, HOSTILE, SHOWN, drawn, made_up

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, and the text of each sort of element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + data)
        elif "style" not in self.open:
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page(report.read_text())


def test_the_page_is_well_formed_and_has_one_of_each_id(page: Page) -> None:
    assert page.open == []
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))


def test_sections_come_in_order_what_was_found_first(page: Page) -> None:
    sections = [attributes["id"] for tag, attributes in page.elements if tag == "section"]
    figures = ["noise", "cap", "clean"]
    assert sections == ["overview", "claims", "reading", *figures, "explorer", "words", "methods", "cite"]


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


def test_every_figure_has_its_question_and_a_name_for_screen_readers(page: Page) -> None:
    names = drawn(load(CONFIG))
    assert set(names) == set(FIGURES)
    figures = [attributes["id"] for tag, attributes in page.elements if tag == "figure"]
    assert sorted(map(str, figures)) == sorted(names)
    for name in names:
        assert question_of(name) in page.text
    images = [attributes for _, attributes in page.elements if attributes.get("role") == "img"]
    charts = [name for name in names if not FIGURES[name].is_table]
    assert len(images) == len(charts) + 1
    for attributes in images:
        assert attributes["aria-label"]
        assert attributes["tabindex"] == "0"


def test_a_table_stands_in_the_page_with_its_notes(page: Page) -> None:
    regions = [attributes["aria-label"] for tag, attributes in page.elements if attributes.get("role") == "region"]
    tables = [name for name, figure in FIGURES.items() if figure.is_table]
    assert len(tables) == 4
    assert {title_of(name) for name in tables} <= set(regions)
    for text in (
        "Words forgotten",
        "authors' grid",
        "+70,000",
        "1,000 [880, 1,120]",
        "Ratio: forgettable over learned.",
    ):
        assert text in page.text


def test_a_figures_sentence_is_computed_from_the_tables(page: Page) -> None:
    assert "bert on tweets (resample) at 50 % noise: dev F1 is highest at epoch" in page.text


@pytest.mark.parametrize("verdict", [verdict for verdict, mean in CLAIMS.items() if mean is not None])
def test_a_claim_says_its_verdict_in_words_and_by_a_symbol(page: Page, verdict: str) -> None:
    assert f"{dict(zip(CLAIMS, '✓✗?–', strict=True))[verdict]} {verdict}" in page.text


def test_a_claims_settings_are_all_there_with_effect_interval_and_number(page: Page) -> None:
    assert "2 settings" in page.text
    for cell in ("0.20", "[0.10, 0.30]", "n=4", "30 % noise"):
        assert page.text.count(cell) >= 2, cell


def test_the_page_is_given_decided_claims_first_and_the_others_in_a_line(report: Path) -> None:
    claims = read_frame(report.parent / "claims" / "claims.parquet", "claims")
    datasets = read_frame(report.parent / "tables" / "datasets.parquet", "datasets")
    entries, others = claims_in_order(claims[::-1], datasets)
    assert [entry["verdict"] for entry in entries] == ["reproduced", "not reproduced", "undecided"]
    assert others == "What this study does not ask (1): c-not-run."
    assert claims_in_order(claims, datasets.assign(own=True))[1] is None


def test_that_runs_are_few_is_said_once_in_the_whole_page(tmp_path: Path) -> None:
    said = re.findall("more than two runs|single run|narrow for few", made_up(tmp_path, n=2).read_text())
    assert said == ["more than two runs"]


def test_nothing_is_loaded_and_nothing_can_be(page: Page) -> None:
    assert page.attributes("src") == []
    assert all(target.startswith("#") for target in page.attributes("href"))
    (policy,) = [str(attributes["content"]) for _, attributes in page.elements if "http-equiv" in attributes]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    assert "script-src 'sha256-" in policy
    for attributes, text in page.scripts:
        if attributes.get("type") != "application/json":
            assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_the_library_is_there_once(report: Path) -> None:
    text, library = report.read_text(), vl_convert.javascript_bundle(vl_version=VEGALITE)
    assert text.count(library) == 1
    assert len(text) < len(library) + 3_500_000


@pytest.mark.parametrize("text", [HOSTILE, BREAKING])
def test_markup_in_data_stays_text(page: Page, text: str) -> None:
    tags = {tag for tag, _ in page.elements}
    assert "img" not in tags
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    # The library, our script, and data that nothing runs.
    running = [attributes for attributes, _ in page.scripts if attributes.get("type") != "application/json"]
    assert len(running) == 2
    (words,) = [json.loads(data) for attributes, data in page.scripts if attributes.get("id") == "words-data"]
    assert text in [token for _, _, _, token, _ in words["quotes"]]


def test_what_would_turn_a_line_or_cannot_be_seen_is_spelt_out(report: Path, page: Page) -> None:
    found = errors.UNSEEN.findall(report.read_text().replace(vl_convert.javascript_bundle(vl_version=VEGALITE), ""))
    assert set(found) == {"\n"}
    data = [json.loads(text) for attributes, text in page.scripts if attributes.get("type") == "application/json"]
    assert len(data) > len([name for name in drawn(load(CONFIG)) if not FIGURES[name].is_table])
    said = json.dumps(data, ensure_ascii=False)
    assert json.dumps(SHOWN)[1:-1] in said
    assert "\\u001b" not in said.replace("\\\\u", "")
    for before in ("not stated", "A claim", "none of", "name"):
        assert f"{before} {HOSTILE}{SHOWN}" in page.text


def test_hostile_text_shows_as_itself_wherever_it_stands(page: Page) -> None:
    claims, licence, machine, findings = (
        f"A claim {HOSTILE}",
        f"not stated {HOSTILE}",
        f"name {HOSTILE}",
        f"none of {HOSTILE}",
    )
    for text in (claims, licence, machine, findings, f"B-{BREAKING}"):
        assert text in page.text


def test_what_differs_from_run_to_run_or_place_to_place_is_left_out(report: Path) -> None:
    text = report.read_text()
    assert str(report.parent) not in text
    assert "7.2508137" not in text


def test_the_same_files_elsewhere_give_the_same_bytes(report: Path, tmp_path: Path) -> None:
    shutil.copytree(report.parent, tmp_path / "elsewhere")
    write_report(report_spec(load(CONFIG)), tmp_path / "elsewhere", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == report.read_bytes()


def test_the_command_writes_the_same_page_without_torch(report: Path, tmp_path: Path) -> None:
    probe = "import sys; from settling.cli import main; main(); print(*sys.modules)"
    options = [
        "report",
        "--spec",
        canonical(report_spec(load(CONFIG))),
        "--results",
        report.parent,
        "--output",
        tmp_path / "out.html",
    ]
    done = run_command([sys.executable, "-c", probe, *map(str, options)])
    assert (tmp_path / "out.html").read_bytes() == report.read_bytes()
    assert {"torch", "transformers", "datasets"}.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    "file",
    ["tables/quotes.parquet", "claims/claims.parquet", "findings.txt", "figures/phases.json", "data/tweets/card.json"],
)
def test_a_missing_file_is_named(report: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(report.parent, tmp_path / "study")
    (tmp_path / "study" / file).unlink()
    with pytest.raises(BadInput, match=f"{file}: no such file"):
        write_report(report_spec(load(CONFIG)), tmp_path / "study", tmp_path / "out.html")


def test_the_spec_is_the_configuration_but_for_where_runs_run() -> None:
    asked = {"resources": {"gpu": 1, "memory": 9000, "minutes": 7}}
    elsewhere = {
        **CONFIG,
        "runs_per_job": 3,
        "systems": {name: {**one, **asked} for name, one in CONFIG["systems"].items()},
    }
    assert report_spec(load(elsewhere)) == report_spec(load(CONFIG))
    assert load(report_spec(load(elsewhere))) == load(CONFIG)
