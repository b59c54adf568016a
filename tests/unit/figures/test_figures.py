"""Every figure from synthetic tables, drawn by the one public function."""

import csv
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import pytest
from altair.utils.schemapi import validate_jsonschema

from settling import errors
from settling.analysis.aggregate import aggregate
from settling.analysis.quotes import quote
from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.forms import form_of
from settling.figures.plot import draw, page, plot, specification
from settling.study import runs_of
from settling.tables import write_table
from tests.unit.figures.synthetic import drawn_rows, quotes, rows_of, tables, write
from tests.unit.small_study import SYSTEMS, TREATMENTS, block, spec_of, write_runs

HOSTILE = "a<b></script><img src=x onerror=alert(1)>"
# One figure of each module, to be drawn in full; they differ in their rows alone.
FORMS = [*{figure.module: name for name, figure in FIGURES.items()}.values()]
CHARTS = [name for name in FORMS if not FIGURES[name].is_table]
TABLES = [name for name in FORMS if FIGURES[name].is_table]
# The words of sentences have no interval to speak of.
WITHOUT_INTERVALS = ("appD_forgotten_words",)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a figure of each module drawn from the default tables."""
    folder = tmp_path_factory.mktemp("study")
    tables(folder / "tables")
    plot(FORMS, folder / "tables", folder / "figures")
    return folder


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_has_four_files(drawn: Path, name: str) -> None:
    stem = drawn / "figures" / name
    assert sorted(path.suffix for path in stem.parent.glob(f"{name}.*")) == [".html", ".json", ".png", ".svg"]
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    svg = stem.with_suffix(".svg").read_text()
    assert svg.startswith("<svg")
    spec = json.loads(stem.with_suffix(".json").read_text())
    assert spec["title"]["text"] in svg
    assert ("bootstrap interval over 4 runs" in svg) == (name not in WITHOUT_INTERVALS)
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert not list(stem.parent.glob(".*"))


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_follows_the_schema_of_vega_lite(drawn: Path, name: str) -> None:
    """Nothing checks this when a figure is drawn."""
    validate_jsonschema(json.loads((drawn / "figures" / f"{name}.json").read_text()), alt.load_schema())


class Cells(HTMLParser):
    """The cells of a page's table, a list for each row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.tag in ("th", "td"):
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.tag = ""


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_same_cells_as_json_html_and_csv(drawn: Path, name: str) -> None:
    stem = drawn / "figures" / name
    assert sorted(path.suffix for path in stem.parent.glob(f"{name}.*")) == [".csv", ".html", ".json"]
    content = json.loads(stem.with_suffix(".json").read_text())
    expected = [content["columns"], *content["rows"]]
    assert len(expected) > 3
    page = stem.with_suffix(".html").read_text()
    assert Cells(page).rows == expected
    assert content["notes"]
    for note in content["notes"]:
        assert f"<p>{note}</p>" in html.unescape(page)
    with stem.with_suffix(".csv").open(newline="") as file:
        # A quote before a sign keeps a spreadsheet from reading a formula.
        assert [[cell.removeprefix("'") for cell in row] for row in csv.reader(file)] == expected
    assert ("bootstrap interval over 4 runs" in page) == (name not in WITHOUT_INTERVALS)


@pytest.mark.parametrize("name", FIGURES)
def test_a_module_has_what_its_figures_lines_in_the_registry_say(name: str) -> None:
    assert hasattr(form_of(name), "table") == FIGURES[name].is_table
    assert hasattr(form_of(name), "chart") == (not FIGURES[name].is_table)


@pytest.mark.parametrize("name", FORMS)
def test_page_loads_nothing(drawn: Path, name: str) -> None:
    page = (drawn / "figures" / f"{name}.html").read_text()
    assert '<html lang="en">' in page
    title = json.loads((drawn / "figures" / f"{name}.json").read_text())["title"]
    assert f"<title>{title if isinstance(title, str) else title['text']}</title>" in html.unescape(page)
    ours = page[: page.index("<main")].partition("<script>")[0] + page[page.index("<main") :]
    assert "default-src 'none'" in ours
    assert not re.search(r"<(link|img|iframe)|\s(src|href)=", ours)
    assert not re.search(r"<script[^>]*\ssrc=", page)


def test_one_run_has_a_mean_and_no_interval(tmp_path: Path) -> None:
    tables(tmp_path, n=1)
    for name in FORMS:
        text = specification(name, tmp_path)
        assert ("one run each, so no interval" in text) == (name not in WITHOUT_INTERVALS), name
        content = json.loads(text)
        if FIGURES[name].is_table:
            assert content["rows"]
            assert not any("[" in cell for row in content["rows"] for cell in row), name
        else:
            rows = rows_of(content)
            assert rows
            assert all(row["low"] is None for row in rows if "low" in row), name


def test_same_bytes_from_another_process(drawn: Path, tmp_path: Path) -> None:
    """What is drawn of one specification is left to a library: two figures stand for all."""
    code = (
        "import sys; from pathlib import Path; from settling.figures.plot import plot, specification\n"
        "tables, folder, *names = map(Path, sys.argv[1:])\n"
        "for name in names: folder.joinpath(f'{name}.json').write_text(specification(str(name), tables) + '\\n')\n"
        "plot(map(str, names[:2]), tables, folder)"
    )
    subprocess.run([sys.executable, "-c", code, drawn / "tables", tmp_path, *reversed(FORMS)], check=True)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == len(FORMS) + sum(len(FIGURES[name].files) - 1 for name in [*reversed(FORMS)][:2])
    for name in files:
        assert (tmp_path / name).read_bytes() == (drawn / "figures" / name).read_bytes(), name


def test_markup_in_a_cell_is_inert(tmp_path: Path) -> None:
    plot(["tab2_full_data"], tables(tmp_path, renamed={"bilstm-crf": HOSTILE}), tmp_path)
    page = (tmp_path / "tab2_full_data.html").read_text()
    assert HOSTILE in [row[0] for row in Cells(page).rows]
    assert "<img" not in page


@pytest.mark.parametrize("name", ["fig6_class_caps", "fig5_capped_first_learned"])
def test_markup_in_a_name_is_inert(tmp_path: Path, name: str) -> None:
    plot([name], tables(tmp_path, renamed={"LOC": HOSTILE, "bilstm-crf": HOSTILE}), tmp_path)
    page = tmp_path.joinpath(f"{name}.html").read_text()
    assert "onerror" in page
    assert "<img" not in page[page.rindex("<main") :]
    assert page.rstrip().endswith("</script>\n</body>\n</html>")
    assert "<img" not in tmp_path.joinpath(f"{name}.svg").read_text()


def test_words_that_would_turn_a_line_or_cannot_be_seen_are_spelt_out(tmp_path: Path) -> None:
    words = [{**row, "token": "\u202egnp\x1b", "before": "\x07 \u2066"} for row in quotes()]
    write(tables(tmp_path / "tables"), "quotes", words)
    draw("appD_forgotten_words", tmp_path / "tables", tmp_path / "figure")
    for kind in ("json", "html", "csv"):
        text = (tmp_path / f"figure.{kind}").read_text()
        assert set(errors.UNSEEN.findall(text)) <= {"\n"}
        assert r"\u202egnp" in text.replace(r"\\", "\\")
    assert "\\u001b" not in (tmp_path / "figure.json").read_text()


def test_library_does_not_end_its_own_script() -> None:
    assert page("a & b", "{}").count("</script") == 2


def test_unknown_figure() -> None:
    with pytest.raises(BadInput, match="did you mean 'fig1_noise_f1'"):
        plot(["fig1_noise"], Path(), Path())


def test_nothing_forgotten_is_said(tmp_path: Path) -> None:
    write(tmp_path, "words", [])
    write(tmp_path, "quotes", [])
    write(tmp_path, "systems", [])
    write(tmp_path, "datasets", [])
    assert "No word was forgotten." in specification("appD_forgotten_words", tmp_path)


def test_prototypes_without_a_paired_encoder(tmp_path: Path) -> None:
    write(tables(tmp_path), "contrasts", [])
    assert {row["baseline_system"] for row in drawn_rows(tmp_path, "fig11_few_shot_jnlpba")} == {None}


def test_tables_as_aggregate_writes_them(tmp_path: Path) -> None:
    blocks = [
        block(["clean", "noise-flip-20"], [0, 1], [0], ("base", "another", "crf", "a-proto")),
        block(["cap-LOC-5", "drop-LOC-5"], [0], [0, 1], ("base", "a-proto")),
    ]
    write_runs(tmp_path, runs_of(blocks, TREATMENTS))
    names = sorted({name for experiment in blocks for name in experiment["treatments"]})
    aggregate(spec_of(blocks, names, [*SYSTEMS]), tmp_path, tmp_path / "tables")
    words = [
        {"sentence": 0, "position": place, "token": f"w{place}", "label": "O", "image": None} for place in range(7)
    ]
    columns = {name: [word[name] for word in words] for name in words[0]}
    write_table(tmp_path / "data" / "news" / "train.parquet", "data", columns, {})
    quote(tmp_path / "tables", tmp_path / "data", tmp_path / "tables")
    others = {"appA_image_noise", "appI_other_encoders", *(name for name in FIGURES if "jnlpba" in name)}
    others |= {"fig7_class_caps", "appJ_misc_f1", "appJ_misc_first_learned"}
    # The small study has no losses at the selected epochs that are shown.
    for name in set(FIGURES) - others - {"appE_loss_histograms"}:
        content = json.loads(specification(name, tmp_path / "tables"))
        assert content["rows"] if FIGURES[name].is_table else rows_of(content), name


def test_registry_imports_no_plotting_library() -> None:
    code = "import sys, settling.figures.skipped; sys.exit(bool({'altair', 'pandas', 'pyarrow'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
