"""The report as a reader meets it: drawn, filtered, by keyboard, narrow and dark."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from settling.config import load
from settling.figures import FIGURES
from tests.browser.conftest import WIDE, Opened, open_in
from tests.unit.report.made_up import BREAKING, CONFIG, HOSTILE, SETTLING, drawn

# Shapes of marks that have an extent, axes and legends left out.
MARKS = """box => [...box.querySelectorAll('svg [class*="role-mark"] :is(path, text, line)')]
  .filter(shape => shape.tagName !== 'path' || (shape.getAttribute('d') ?? '').length > 5).length"""

# Of a chart: its width, that of its box, its smallest text as shown, and how much more it is scaled down than across.
MEASURES = """box => {
  const svg = box.querySelector('svg'), seen = svg.getBoundingClientRect(), whole = svg.viewBox.baseVal;
  const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent);
  const sizes = texts.map(text => parseFloat(getComputedStyle(text).fontSize));
  const across = seen.width / whole.width;
  return [seen.width, box.clientWidth, Math.min(...sizes) * across, seen.height / whole.height / across];
}"""
LEGIBLE = 8  # pixels of text


def draw(page: Page, name: str) -> None:
    """Scroll to a figure and wait until it is drawn."""
    page.locator(f"#{name} .chart").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{name} .chart[data-state=drawn]")


def test_every_figure_draws_without_an_error_or_a_request(opened: Opened) -> None:
    names = [name for name in drawn(load(CONFIG)) if not FIGURES[name].is_table]
    for name in names:
        draw(opened.page, name)
        box = opened.page.locator(f"#{name} .chart")
        assert box.evaluate(MARKS) > 5, name
        assert box.evaluate("box => box.querySelector('svg').getBoundingClientRect().width") > 0.9 * 960, name
        heading = opened.page.locator(f"#{name} h3").text_content()
        assert heading
        assert heading not in box.locator("svg text").all_text_contents(), name
    assert opened.page.locator("#explorer-chart").evaluate(MARKS) > 5
    assert len(names) == opened.page.locator("[data-spec]").count()
    assert opened.errors == []
    assert opened.requests == []


def test_what_was_never_in_sight_is_drawn_too_so_that_it_prints(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    page = open_in(context, report).page
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-spec]')].every(box => box.dataset.state === 'drawn')"
    )
    assert page.evaluate("scrollY") == 0
    context.close()


def test_a_hostile_word_shows_as_itself_and_runs_nothing(opened: Opened) -> None:
    page = opened.page
    page.get_by_label("list").select_option("most-forgotten")
    for text in (HOSTILE, BREAKING):
        page.get_by_label("text", exact=True).fill(text[:12])
        assert page.locator("#words-table mark").get_by_text(text, exact=True).first.is_visible()
    page.get_by_label("text", exact=True).fill("")
    assert page.locator(".claim").get_by_text(HOSTILE).first.is_visible()
    assert page.title() == "made-up: settling"
    assert page.locator("img").count() == 0


def test_the_content_policy_refuses_a_script_that_is_put_into_the_page(browser: Browser, report: Path) -> None:
    context = browser.new_context()
    opened = open_in(context, report)
    before = opened.page.title()
    opened.page.evaluate("html => document.querySelector('h1').insertAdjacentHTML('beforeend', html)", HOSTILE)
    opened.page.wait_for_function("document.querySelector('h1 img').complete")
    assert opened.page.title() == before
    assert any("Content Security Policy" in error for error in opened.errors)
    assert opened.requests == []
    context.close()


def rows(page: Page) -> int:
    return page.locator("#words-table tbody tr").count()


def test_the_filters_of_words_narrow_what_is_shown(opened: Opened) -> None:
    page = opened.page
    filters = page.locator("#words-filters")
    filters.get_by_label("treatment").select_option("noise-resample-30")
    filters.get_by_label("list").select_option("highest-loss")
    assert rows(page) == 20
    assert page.locator("#words-status").text_content() == "20 of 20 rows shown."
    filters.get_by_label("wrong labels only").check()
    assert rows(page) == 6
    assert page.locator("#words-table td", has_text="(wrong)").count() == 6
    filters.get_by_label("wrong labels only").uncheck()
    filters.get_by_label("text", exact=True).fill("word19")
    # The word itself, and those that it stands around.
    assert rows(page) == 19
    filters.get_by_label("text", exact=True).fill("b-per")
    assert rows(page) == 1
    filters.get_by_label("text", exact=True).fill("nowhere")
    assert rows(page) == 0
    filters.get_by_label("text", exact=True).fill("")
    filters.get_by_label("list").select_option("")
    assert rows(page) == 80
    filters.get_by_label("treatment").select_option("")
    assert (rows(page), page.locator("#words-more").is_visible()) == (100, True)
    page.locator("#words-more").click()
    assert rows(page) > 100


def test_the_words_that_are_shown_can_be_saved_and_none_is_a_formula(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    with page.expect_download() as download:
        page.locator("#words-save").click()
    download.value.save_as(tmp_path / "words.csv")
    with (tmp_path / "words.csv").open(newline="", encoding="utf-8") as file:
        titles, *saved = csv.reader(file)
    assert titles[:2] == ["Rank", "Word in its sentence"]
    assert len(saved) == rows(page)
    assert not [cell for row in saved for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_first_figure_stands_in_the_first_screen(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    page = open_in(context, report).page
    box = page.locator("main figure .chart").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 900
    context.close()


def test_a_narrow_page_shows_the_way_to_every_section(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800})
    page = open_in(context, report).page
    for link in page.locator("nav a").all():
        box = link.bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= 400, link.text_content()
    context.close()


def test_a_word_whose_text_may_not_be_shown_says_where_it_stands(opened: Opened) -> None:
    page = opened.page
    page.get_by_label("text", exact=True).fill("#3fa9c1d2e4b5")
    cell = page.locator("td.sentence", has=page.locator("mark", has_text="#3fa9c1d2e4b5")).first
    assert cell.text_content() == "#3fa9c1d2e4b5 (sentence 1, word 19)"
    page.get_by_label("text", exact=True).fill("")


def test_the_explorer_shows_the_runs_that_are_chosen_with_their_phases(opened: Opened) -> None:
    page, choose = opened.page, opened.page.locator("#explorer-filters")
    choose.get_by_label("data set").select_option("tweets")
    choose.get_by_label("treatment").select_option("noise-resample-30")
    choose.get_by_label("system").select_option("roberta")
    curve = "train noisy accuracy, given labels, epoch-end"
    said = f"roberta on tweets, noise-resample-30: {curve}. 2 runs, of which 1 settles."
    choose.get_by_label("curve").select_option(label=curve)
    assert page.locator("#explorer-status").text_content() == said
    chart = page.locator("#explorer-chart")
    page.wait_for_selector("#explorer-chart[data-state=drawn]")
    assert chart.get_attribute("aria-label") == said
    assert chart.locator("svg .mark-line.role-mark path").count() == 2
    for phase in ("fitting", "settling", "memorisation", "no settling"):
        assert chart.locator(f'svg path[aria-label*="Phase: {phase};"]').count() == 1, phase
    # What the new data set lacks is no longer offered.
    choose.get_by_label("data set").select_option("digits")
    assert choose.get_by_label("system").locator("option").all_text_contents() == ["resnet"]
    page.wait_for_selector("#explorer-chart[data-state=drawn]")
    assert opened.errors == []


def test_every_curve_of_a_run_has_the_phases_that_its_figures_show(opened: Opened) -> None:
    page, choose = opened.page, opened.page.locator("#explorer-filters")
    asked = {("tweets", "bert"): ("epoch-end", "minibatch"), ("digits", "resnet"): ("minibatch",)}
    for (dataset, system), views in asked.items():
        choose.get_by_label("data set").select_option(dataset)
        choose.get_by_label("treatment").select_option("noise-resample-30")
        choose.get_by_label("system").select_option(system)
        curves = choose.get_by_label("curve").locator("option").all_text_contents()
        assert {"dev F1, true labels", *(f"train F1, given labels, {view}" for view in views)} <= set(curves)
        for curve in curves:
            choose.get_by_label("curve").select_option(label=curve)
            said = str(page.locator("#explorer-status").text_content())
            assert said.endswith(f"{curve}. 2 runs, of which 1 settles."), said
            page.wait_for_selector("#explorer-chart[data-state=drawn]")
            settling = page.locator('#explorer-chart svg path[aria-label*="Phase: settling;"]')
            assert f"epochs: {SETTLING}" in str(settling.get_attribute("aria-label"))
    assert opened.errors == []


def opacities(page: Page, name: str) -> list[str]:
    found: list[str] = page.locator(f"#{name} svg .mark-line.role-mark path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('opacity') ?? getComputedStyle(path).opacity)"
    )
    return found


def test_a_click_in_a_legend_fades_the_other_lines(opened: Opened) -> None:
    page = opened.page
    draw(page, "fig1_noise_f1")
    before = opacities(page, "fig1_noise_f1")
    page.locator("#fig1_noise_f1 svg .role-legend-label text").first.click()
    page.wait_for_function(
        """before => [...document.querySelectorAll('#fig1_noise_f1 svg .mark-line.role-mark path')]
          .some((path, index) => (path.getAttribute('opacity') ?? getComputedStyle(path).opacity) !== before[index])""",
        arg=before,
    )
    after = opacities(page, "fig1_noise_f1")
    assert min(map(float, after)) < 0.2 < max(map(float, after))


def test_a_mark_says_its_numbers_under_the_pointer(opened: Opened) -> None:
    page = opened.page
    draw(page, "phases")
    page.locator("#phases svg .mark-symbol.role-mark path").first.hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "95 % bootstrap interval" in str(page.locator("#vg-tooltip-element").text_content())
    page.mouse.move(0, 0)


def test_a_figure_can_be_saved(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    draw(page, "fig2_noisy_accuracy")
    with page.expect_download() as download:
        page.locator("#fig2_noisy_accuracy button").click()
    download.value.save_as(tmp_path / "saved.svg")
    assert download.value.suggested_filename == "fig2_noisy_accuracy.svg"
    assert (tmp_path / "saved.svg").read_text().startswith("<svg")


def test_the_keyboard_reaches_every_figure(browser: Browser, report: Path) -> None:
    context = browser.new_context()
    page = open_in(context, report).page
    seen: list[str] = []
    first = None
    for _ in range(1000):
        page.keyboard.press("Tab")
        label, chart = page.evaluate(
            "[document.activeElement.textContent, document.activeElement.closest('.chart')?.getAttribute('aria-label')]"
        )
        first = first or label
        seen += [chart] if chart else []
        if page.evaluate("document.activeElement.id") == "explorer-chart":
            break
    assert first == "Skip to what was found"
    labels = page.locator(".chart").evaluate_all("boxes => boxes.map(box => box.getAttribute('aria-label'))")
    assert set(labels) <= set(seen)
    context.close()


@pytest.mark.parametrize("width", [400, 800])
def test_a_chart_fits_a_narrow_page_or_scrolls_in_its_box_where_its_text_would_be_too_small(
    browser: Browser, report: Path, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    opened = open_in(context, report)
    names = [name for name in drawn(load(CONFIG)) if not FIGURES[name].is_table]
    scrolls = {}
    for name in names:
        draw(opened.page, name)
        shown, room, least, ratio = opened.page.locator(f"#{name} .chart").evaluate(MEASURES)
        assert least >= LEGIBLE - 0.1, name
        # It is scaled and not squeezed.
        assert ratio == pytest.approx(1, abs=0.02), name
        scrolls[name] = shown > room
        assert not scrolls[name] or least < LEGIBLE + 0.1, name
    assert not scrolls["fig1_noise_f1"]
    assert width < 800 or not any(scrolls.values())
    assert opened.errors == []
    context.close()


@pytest.mark.parametrize("width", [400, 800, WIDE])
def test_the_page_never_scrolls_sideways(browser: Browser, report: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    opened = open_in(context, report)
    for name in ("fig1_noise_f1", "appE_noise_detectors"):
        draw(opened.page, name)
    for details in opened.page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_a_dark_page_has_light_text_in_its_figures(browser: Browser, report: Path) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = open_in(context, report).page
        draw(page, "fig1_noise_f1")
        title = page.locator("#fig1_noise_f1 svg .role-axis-title text").first
        colours = [
            page.evaluate("getComputedStyle(document.body).backgroundColor"),
            title.evaluate("text => getComputedStyle(text).fill"),
        ]
        shades[scheme] = [sum(map(int, colour.removeprefix("rgb(").rstrip(")").split(","))) for colour in colours]
        context.close()
    ground, text = shades["light"]
    assert ground > 700 > 150 > text
    ground, text = shades["dark"]
    assert ground < 150 < 600 < text


def test_the_figures_follow_when_the_reader_turns_to_dark(opened: Opened) -> None:
    page = opened.page
    draw(page, "fig2_noisy_accuracy")
    fill = "getComputedStyle(document.querySelector('#fig2_noisy_accuracy svg .role-axis-title text')).fill"
    before = page.evaluate(fill)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        f"before => document.querySelector('#fig2_noisy_accuracy svg .role-axis-title text') && {fill} !== before",
        arg=before,
    )
    page.emulate_media(color_scheme="light")
    page.wait_for_function(
        f"before => document.querySelector('#fig2_noisy_accuracy svg .role-axis-title text') && {fill} === before",
        arg=before,
    )
