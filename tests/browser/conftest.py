"""The report of a made-up study in a headless Chromium that may reach nothing but the file."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, sync_playwright

from tests.unit.report.made_up import made_up

CHROMIUM = shutil.which("chromium")
WIDE = 1280


class Opened(NamedTuple):
    """A page, what it wrote to the console as a warning or an error, and what it asked the network for."""

    page: Page
    errors: list[str]
    requests: list[str]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on the path; make test-browser installs Debian's")
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to run as root.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    """The page at 1280 pixels, which the tests of a file share."""
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    yield open_in(context, report)
    context.close()


def open_in(context: BrowserContext, report: Path) -> Opened:
    """Open the report in a context; whatever it asks for beside itself is recorded and refused."""
    requests: list[str] = []

    def refuse(route: Route, request: Request) -> None:
        if request.url == report.as_uri():
            route.continue_()
        else:
            requests.append(request.url)
            route.abort()

    context.route("**/*", refuse)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("warning", "error") else None)
    page.goto(report.as_uri())
    page.wait_for_selector("#explorer-chart[data-state=drawn]", state="attached")
    return Opened(page, errors, requests)
