"""What the files around the code say of the version, the licence and the paper is one thing."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import settling
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_one_version_is_in_the_package_its_project_its_citation_and_atop_its_changelog(
    project: dict[str, Any], citation: dict[str, Any]
) -> None:
    released = re.findall(r"^## \[(.+?)\] - (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    version, date = released[0]
    assert settling.__version__ == project["version"] == citation["version"] == version
    # The citation has the date of a release, and none before.
    assert str(citation.get("date-released", "unreleased")) == date


def test_one_licence_is_in_the_project_its_citation_and_its_file(
    project: dict[str, Any], citation: dict[str, Any]
) -> None:
    assert project["license-files"] == ["LICENSE"]
    assert (ROOT / "LICENSE").read_text().startswith(f"{project['license']} License\n")
    assert citation["license"] == project["license"]


def test_the_citation_names_the_paper_that_the_readme_names(citation: dict[str, Any]) -> None:
    (paper,) = citation["references"]
    readme = " ".join((ROOT / "README.md").read_text().split())
    *first, last = (author["family-names"] for author in paper["authors"])
    assert f'{", ".join(first)} and {last}, "{paper["title"]}" ({paper["conference"]["name"]})' in readme


def test_the_catalog_is_told_what_its_schema_asks_for() -> None:
    # The keys of https://snakemake.github.io/snakemake-workflow-catalog, as documented in "Adding workflows".
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert deployment.keys() == {"conda", "apptainer", "apptainer+conda", "report"}
    assert all(isinstance(value, bool) for value in deployment.values())


def headings(page: Path) -> list[str]:
    """Return the headings of a page as links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return [heading.lower().replace(" ", "-") for heading in found]


def test_every_link_from_a_page_of_this_repository_to_another_leads_there() -> None:
    links = 0
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")):
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if "://" in link:
                continue
            path, _, heading = link.partition("#")
            target = page.parent / path if path else page
            assert target.is_file(), f"{page.name}: {link}"
            assert not heading or heading in headings(target), f"{page.name}: {link}"
            links += 1
    assert links
