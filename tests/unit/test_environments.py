"""The lock, the conda environments and pyproject.toml say the same."""

import importlib.util
import tomllib
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def export() -> ModuleType:
    spec = importlib.util.spec_from_file_location("export", ROOT / "envs" / "export.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("extra", ["train", "analyse"])
def test_a_conda_environment_is_what_the_lock_gives(export: ModuleType, extra: str) -> None:
    assert (ROOT / "envs" / f"{extra}.yaml").read_text() == export.environment(extra)


def test_the_lock_pins_every_package_that_the_project_asks_for() -> None:
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lock if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = set(project["dependencies"]).union(*project["optional-dependencies"].values())
    assert wanted - {"pip"} <= pinned


def test_torch_is_pinned_without_a_build_tag() -> None:
    assert "torch==2.13.0" in (ROOT / "requirements.lock").read_text().splitlines()


def test_every_environment_installs_the_package_after_it_is_made() -> None:
    scripts = [(ROOT / "envs" / f"{extra}.post-deploy.sh").read_text() for extra in ("train", "analyse")]
    assert scripts[0] == scripts[1]
    assert "pip install --no-deps --editable ." in scripts[0]
