"""Imports go down: no module imports one of a floor above its own, and docs/design.md lists the floors."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "src" / "settling"
BLOCK = re.search(r"### Floors\n.*?\n\n((?:    [^\n]*\n)+)", (ROOT / "docs" / "design.md").read_text(), re.DOTALL)
assert BLOCK
# From the top: each line is a floor, of modules or of packages with all their modules.
FLOORS = [[f"settling.{name}" for name in line.split()] for line in reversed(BLOCK[1].splitlines())]


@functools.cache
def modules() -> dict[str, Path]:
    """Return the file of each module of the package, by the module's name."""
    files = PACKAGE.rglob("*.py")
    names = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in files}
    return {name.removesuffix(".__init__"): path for name, path in names.items()}


def room_of(module: str) -> str:
    """Return the name in FLOORS that is the module's own, or the nearest package's."""
    names = [name for floor in FLOORS for name in floor if module == name or module.startswith(f"{name}.")]
    assert names, f"{module} is on no floor of docs/design.md"
    return max(names, key=len)


def floor_of(module: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if room_of(module) in names)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports when it runs, not for a checker of types alone."""
    tree = ast.parse(path.read_text())
    for branch in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if isinstance(branch.test, ast.Name) and branch.test.id == "TYPE_CHECKING":
            branch.body = []
    known = modules()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            yield from inner or {node.module}


def edges() -> list[tuple[str, str]]:
    """Return the imports of the package: the module that imports, and the one that is imported."""
    found = [(name, other) for name, path in modules().items() for other in imported(path)]
    assert len(found) > len(modules())
    return [pair for pair in found if "settling" not in pair]


def test_no_import_runs_back_up_a_floor() -> None:
    assert [f"{name} imports {other}" for name, other in edges() if floor_of(other) > floor_of(name)] == []


def test_no_two_rooms_import_each_other() -> None:
    rooms = {(room_of(name), room_of(other)) for name, other in edges()}
    assert [(one, other) for one, other in rooms if one < other and (other, one) in rooms] == []
