"""The code of a stage: the modules of this package that it reaches by import, each with a hash of its syntax tree.

Docstrings are left out of the hash, and comments and formatting are not in the tree, so editing them reruns nothing.
"""

import ast
import functools
import hashlib
from pathlib import Path

from settling.systems import KINDS as SYSTEMS

ROOT = Path(__file__).resolve().parent
# These modules do not count as code of a stage. What the configuration says reaches each step in its spec. A registry
# only names modules, and a rule adds the module that it uses. So a new option with a default, or a new line in a
# registry, reruns nothing. The module that writes a column counts as code, and a file with an old schema is refused
# when it is read, so a new table reruns nothing either.
NOT_CODE = frozenset(
    {
        "settling",
        "settling.config",
        "settling.data.checkpoint_keys",
        "settling.data.formats",
        "settling.data.keys",
        "settling.data.sources",
        "settling.detectors",
        "settling.detectors.kind",
        "settling.documents",
        "settling.errors",
        "settling.figures",
        "settling.fingerprint",
        "settling.layout",
        "settling.model",
        "settling.schemas",
        "settling.systems",
        *SYSTEMS.values(),
        "settling.systems.kind",
        "settling.training.recipe",
        "settling.data.tasks",
        "settling.data.tasks.task",
        "settling.treatments",
        "settling.treatments.kind",
        "settling.validation",
    }
)


def fingerprint(*names: str) -> str:
    """Return a hash (16 hex digits) of the code of the modules `names` and of all they import from this package."""
    text = "\n".join(f"{name} {code}" for name, code in reached(*names).items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def modules(*names: str) -> str:
    """Return the hash of each of these modules, sorted, as one line: `settling.files=1a2b3c4d settling.frames=...`.

    The rules have this line among their parameters, so that `settling why` can name the modules that changed. It is
    cached because each job asks for it.
    """
    return " ".join(f"{name}={code[:8]}" for name, code in reached(*names).items())


def reached(*names: str) -> dict[str, str]:
    """Return the modules `names` and all that they import from this package, sorted, with the hash of each."""
    hashes: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in hashes and name not in NOT_CODE:
            hashes[name], imports = hash_and_imports(name)
            waiting += imports
    return dict(sorted(hashes.items()))


@functools.cache
def hash_and_imports(module: str) -> tuple[str, list[str]]:
    """Return the hash of a module's syntax tree and the modules of this package that it imports."""
    tree = ast.parse(_file(module).read_bytes())
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names if _is_ours(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            imports += [node.module, *(name for name in inner if _exists(name))]
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "settling"


def _file(module: str) -> Path:
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exists(module: str) -> bool:
    return _file(module).is_file()
