import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import settling
from settling import fingerprint as module
from settling.data.formats import FORMATS
from settling.data.sources import SOURCES
from settling.data.tasks import TASKS
from settling.detectors import DETECTORS
from settling.fingerprint import fingerprint, modules
from settling.systems import KINDS as SYSTEMS
from settling.systems import kind_of
from settling.treatments import KINDS as TREATMENTS

PACKAGE = {
    "__init__.py": "",
    "config.py": "x = 1\n",
    "stage.py": "from settling.helper import work\nimport settling.parts.one\n\n\ndef run():\n    return work()\n",
    "helper.py": "from settling.parts import two\n\n\ndef work():\n    return two.y\n",
    "stranger.py": "z = 1\n",
    "parts/__init__.py": "",
    "parts/one.py": "y = 1\n",
    "parts/two.py": "import json\ny = 2\n",
}
Edit = Callable[[str, str], str]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edit]:
    """Return a function that rewrites a file of a tiny package and returns the fingerprint of its stage."""
    monkeypatch.setattr(module, "ROOT", tmp_path)

    def write(name: str, text: str) -> str:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        forget()
        return fingerprint("settling.stage")

    for name in reversed(PACKAGE):
        if name != "stage.py":
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(PACKAGE[name])
    write("stage.py", PACKAGE["stage.py"])
    yield write
    forget()


def forget() -> None:
    """Clear what is kept of code read before."""
    module.hash_and_imports.cache_clear()
    modules.cache_clear()


@pytest.mark.parametrize(
    "text",
    [
        "# why\nfrom settling.parts import two  # here\n\n\ndef work():\n    return two.y\n",
        '"""A module."""\nfrom settling.parts import two\n\n\ndef work():\n    """Work."""\n    return two.y\n',
        "from settling.parts import (\n    two,\n)\ndef work(): return (two . y)\n",
    ],
    ids=["comments", "docstrings", "formatting"],
)
def test_what_does_not_change_the_code_does_not_count(edit: Edit, text: str) -> None:
    assert edit("helper.py", text) == edit("helper.py", PACKAGE["helper.py"])


@pytest.mark.parametrize(
    "name", ["stage.py", "helper.py", "parts/one.py", "parts/two.py", "parts/__init__.py"], ids=str
)
def test_code_counts_in_a_module_and_in_all_that_it_imports(edit: Edit, name: str) -> None:
    before = edit("stage.py", PACKAGE["stage.py"])
    assert edit(name, PACKAGE[name] + "w = 3\n") != before
    assert edit(name, PACKAGE[name]) == before


def test_a_changed_default_or_name_counts(edit: Edit) -> None:
    texts = ["def work(a=1):\n    return a\n", "def work(a=2):\n    return a\n", "def work(b=1):\n    return b\n"]
    assert len({edit("helper.py", text) for text in texts}) == 3


@pytest.mark.parametrize("name", ["stranger.py", "config.py"])
def test_what_no_import_reaches_or_the_spec_carries_does_not_count(edit: Edit, name: str) -> None:
    before = edit("stage.py", "import settling.config\n" + PACKAGE["stage.py"])
    assert edit(name, "changed = True\n") == before


def test_the_modules_are_one_sorted_line_in_which_an_edit_changes_its_own_alone(edit: Edit) -> None:
    edit("stage.py", PACKAGE["stage.py"])
    line = modules("settling.stage")
    assert re.fullmatch(r"settling[a-z.]*=[0-9a-f]{8}( settling[a-z.]*=[0-9a-f]{8})*", line)
    before = dict(part.split("=") for part in line.split())
    names = ("helper", "parts", "parts.one", "parts.two", "stage")
    assert list(before) == [f"settling.{name}" for name in names]
    edit("parts/two.py", "y = 3\n")
    after = dict(part.split("=") for part in modules("settling.stage").split())
    assert [name for name in before if before[name] != after[name]] == ["settling.parts.two"]


def test_imports_inside_functions_are_followed(edit: Edit) -> None:
    before = edit("helper.py", "def work():\n    from settling.stranger import z\n    return z\n")
    assert edit("stranger.py", "z = 2\n") != before


def test_modules_that_import_each_other_end(edit: Edit) -> None:
    assert edit("parts/two.py", "import settling.stage\ny = 2\n") != edit("parts/two.py", PACKAGE["parts/two.py"])


def test_the_real_package_can_be_followed_by_its_imports() -> None:
    """Relative imports are not followed, so there may be none."""
    relative = [
        path.name
        for path in Path(settling.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_each_kind_of_system_treatment_format_and_detector_has_code_of_its_own() -> None:
    """They are imported by name at run time, so the rules must name them."""
    for stage, kinds in (
        ("settling.training.train", [kind_of(name).model for name in SYSTEMS]),
        ("settling.treatments.treat", TREATMENTS.values()),
        ("settling.data.dataset", [*FORMATS.values(), *SOURCES.values(), *TASKS.values()]),
        ("settling.detectors.detect", DETECTORS.values()),
    ):
        found = {fingerprint(stage), *(fingerprint(stage, kind) for kind in kinds)}
        assert len(found) == 1 + len(kinds)
