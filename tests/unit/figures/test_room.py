"""Figures use the room they have: their size, their text, and where their panels stand."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from settling.figures import FIGURES, style
from settling.figures.plot import specification, vector
from settling.frames import read_frame
from tests.unit.figures import synthetic
from tests.unit.figures.synthetic import write

PAGE = 960  # pixels: the report's page without its margins
TALLEST = 1200  # pixels
# The data sets and systems of config.yaml, by the names of the synthetic tables.
DEMO = {
    "NOISY": {"tweets": ("bert", "bert-scratch", "bilstm-crf"), "digits": ("resnet",)},
    "CAPPED": {("tweets", "LOC"): ("bert", "protobert")},
    "CLEAN": {"tweets": ("bert", "protobert")},
    "LEVELS": (0, 40),
    "SENTENCES": (5, 25),
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """The specification and the SVG of every chart of a study of the demo's size."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in DEMO.items():
            patch.setattr(synthetic, name, value)
        folder = synthetic.tables(tmp_path_factory.mktemp("tables"))
    specs = {name: specification(name, folder) for name in FIGURES if not FIGURES[name].is_table}
    return {name: (spec, vector(spec)) for name, spec in specs.items() if "Nothing to show" not in spec}


def test_figures_of_the_demo_are_as_wide_as_the_page_and_not_too_tall(drawn: dict[str, tuple[str, str]]) -> None:
    sizes = {}
    for name, (_, svg) in drawn.items():
        found = re.search(r'<svg[^>]* width="([0-9.]+)" height="([0-9.]+)"', svg)
        assert found
        sizes[name] = (float(found[1]), float(found[2]))
    assert len(sizes) > 10
    assert [(name, size) for name, size in sizes.items() if not 0.9 * PAGE < size[0] <= PAGE] == []
    assert [(name, size) for name, size in sizes.items() if size[1] > TALLEST] == []


def test_no_text_is_smaller_than_the_smallest(drawn: dict[str, tuple[str, str]]) -> None:
    assert style.SMALLEST >= 11
    for name, (_, svg) in drawn.items():
        sizes = [float(size) for size in re.findall(r'font-size="([0-9.]+)px"', svg)]
        assert sizes
        assert min(sizes) >= style.SMALLEST, name


def test_names_at_the_ends_of_lines_take_the_place_of_a_legend(drawn: dict[str, tuple[str, str]]) -> None:
    curves = (
        "fig1_noise_f1",
        "fig2_noisy_accuracy",
        "appC_without_pretraining",
        "appC_noisy_accuracy",
        "fig4_capped_f1",
    )
    named = {name: "At the end of each line:" in drawn[name][0] for name in curves}
    legend = {
        name: bool(re.search("role-legend-title[^>]*>[^>]*>(Noise|Sentences)", drawn[name][1])) for name in curves
    }
    assert [name for name in curves if named[name] == legend[name]] == []
    assert set(named.values()) == {True, False}


def test_a_panel_without_data_leaves_the_others_where_they_belong(tmp_path: Path) -> None:
    tables = synthetic.tables(tmp_path)
    losses = read_frame(tables / "loss_histogram.parquet", "loss_histogram")
    gone = (losses["system"] == "bert") & (losses["selected_epoch"] == "settled")
    kept = losses[~gone & (losses["dataset"] == "tweets")]
    write(tables, "loss_histogram", [{str(key): value for key, value in row.items()} for row in plain(kept)])
    svg = vector(specification("appE_loss_histograms", tables))
    (cells,) = [group for group in ElementTree.fromstring(svg).iter() if str(group.get("class")).endswith("_cell")]
    has_bars = {}
    for cell in cells:
        place = re.fullmatch(r"translate\(([0-9.]+),([0-9.]+)\)", str(cell.get("transform")))
        assert place
        bars = [path for path in cell.iter() if "Share:" in str(path.get("aria-label"))]
        has_bars[float(place[2]), float(place[1])] = bool(bars)
    # Rows are bert, bert-scratch, bilstm-crf and roberta; the second column is the end of settling.
    assert [has_bars[place] for place in sorted(has_bars)] == [True, False, True] + [True] * 9


def plain(frame: pd.DataFrame) -> list[dict[object, object]]:
    """Return rows with None for what is null."""
    return list(frame.astype(object).where(frame.notna(), None).to_dict("records"))
