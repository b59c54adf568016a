"""A stage's code: the package modules it reaches by import, each with the hash of its syntax tree, docstrings left out.

Comments, docstrings and formatting do not count, so editing them reruns nothing.
"""

import ast
import functools
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# What these steer reaches each step in its spec, and registries only name modules, of which a rule adds the one that it
# uses; so a new option or a new line in a registry reruns nothing. Who writes a column has it in code too, and a file
# under an old schema is refused when it is read; so a new table reruns nothing either. Where a file lies is in the
# inputs and outputs of each job.
NOT_CODE = frozenset(
    {
        "settling",
        "settling.config",
        "settling.data.formats",
        "settling.documents",
        "settling.errors",
        "settling.figures",
        "settling.fingerprint",
        "settling.layout",
        "settling.model",
        "settling.schemas",
        "settling.systems",
        "settling.treatments",
        "settling.treatments.kind",
        "settling.validation",
    }
)


def fingerprint(*names: str) -> str:
    """Return the hash (16 hex digits) of the code of the modules `names` and of all they import from this package."""
    text = "\n".join(f"{name} {code}" for name, code in reached(*names).items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def modules(*names: str) -> str:
    """Return the same code module by module, as one line: `settling.files=1a2b3c4d settling.frames=...`, sorted.

    The rules carry this line, so that what changed can be told by name, and ask for it for every job.
    """
    return " ".join(f"{name}={code[:8]}" for name, code in reached(*names).items())


def reached(*names: str) -> dict[str, str]:
    """Return the modules `names` and all they import from this package, sorted, each with the hash of its code."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in NOT_CODE:
            found[name], imports = parsed(name)
            waiting += imports
    return dict(sorted(found.items()))


@functools.cache
def parsed(module: str) -> tuple[str, list[str]]:
    """Return the hash of one module's syntax tree and the modules of this package that it imports."""
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
