"""Checking plain data against a pydantic model or union, with errors in words.

Here are also the kinds of strings that a configuration holds, each with what it is called when one is wrong.
"""

from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import StringConstraints, TypeAdapter, ValidationError

from settling.errors import BadInput, choices

# Names become parts of paths, which file systems bound.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
GitId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+$")]
HubRepo = Annotated[str, StringConstraints(pattern=r"^[\w.-]+(/[\w.-]+)?$")]


class Loader(yaml.SafeLoader):
    """YAML's safe loader, but a mapping that has a key twice is an error, and every bad value is one with its line."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping; raise BadInput where it has a key twice."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        # Later, the keys of merged mappings are among its own.
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                if (key.tag, key.value) in lines:
                    first = lines[key.tag, key.value]
                    found = f"found the key {key.value!r} again, expected it once"
                    raise BadInput(f"{self.name}:{line}: {found} (first in line {first})")
                lines[key.tag, key.value] = line
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; raise YAMLError where Python has none for it."""
        if not isinstance(node, yaml.ScalarNode):
            return super().construct_object(node, deep)
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            kind = node.tag.rpartition(":")[2]
            found = node.value if len(node.value) <= LONGEST_SHOWN else f"{node.value[:LONGEST_SHOWN]}..."
            raise yaml.constructor.ConstructorError(
                None, None, f"found {found!r}, no valid {kind}", node.start_mark
            ) from None


LONGEST_SHOWN = 40


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raise BadInput where it is missing, not YAML or has a key twice."""
    try:
        loader = Loader(path.read_text(encoding="utf-8"))
        loader.name = str(path)
        return loader.get_single_data()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except RecursionError:
        raise BadInput(f"{path}: not YAML (nested too deeply)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not YAML ({' '.join(str(error).split())})") from None


def check(kind: Any, values: Any, where: str) -> Any:
    """Return `values` as the model or union `kind`; raise BadInput with one line a problem, `where` first."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        schema = adapter.json_schema()
    # An error inside a list makes pydantic call the list too short as well.
    inner = [detail["loc"] for detail in details if detail["type"] != "too_short"]
    details = [
        detail
        for detail in details
        if detail["type"] != "too_short" or not any(loc[: len(detail["loc"])] == detail["loc"] for loc in inner)
    ]
    details = [detail for detail in details if _is_meant(detail)]
    lines = [f"{where}: {_describe(schema, detail)}" for detail in details]
    # A key may hold newlines.
    raise BadInput("\n".join(line.replace("\n", "\\n") for line in lines))


def _describe(schema: dict[str, Any], detail: Any) -> str:
    """Put one pydantic error in words: key, what was found, what was expected."""
    location, valid_keys = _walk(schema, detail["loc"])
    key, kind, found = ".".join(location) or "the study", detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{key}: unknown key; {choices(location[-1], valid_keys)}"
    if kind == "missing":
        return f"{key}: missing"
    if kind in ("union_tag_invalid", "literal_error"):
        expected = context.get("expected_tags") or context.get("expected", "")
        valid = [name.strip().strip("'") for name in expected.replace(" or ", ",").split(",")]
        bad = str(context.get("tag", found))
        tag = ".kind" if kind == "union_tag_invalid" else ""
        return f"{key}{tag}: found {bad!r}; {choices(bad, valid)}"
    if kind == "union_tag_not_found":
        return f"{key}.kind: missing"
    shown = _shown(found)
    if kind == "list_type":
        return f"{key}: found {shown}, expected a list, such as [{found if isinstance(found, str) else shown}]"
    if kind == "string_too_long":
        return f"{key}: found {len(found)} characters, expected at most {context['max_length']}"
    if kind == "too_short":
        return f"{key}: found {shown}, expected at least {context['min_length']} of them"
    if kind == "value_error":
        return f"{key}: {context['error']}"
    if kind == "string_pattern_mismatch":
        return f"{key}: found {shown}, expected {_PATTERNS.get(context['pattern'], context['pattern'])}"
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{key}: found {shown}, expected {message.removeprefix('input should be ')}"


def _shown(found: Any) -> str:
    try:
        return repr(found)
    except (RecursionError, ValueError):
        return "what is too large to show"


_PATTERNS = {
    get_args(kind)[1].pattern: words
    for kind, words in (
        (Name, "a name of letters, digits, '_', '.' and '-'"),
        (Sha256, "a SHA-256 of 64 hexadecimal digits"),
        (GitId, "a git id of 40 hexadecimal digits"),
        (Package, "a package with its version, such as name==1.0"),
        (HubRepo, "a repository, such as owner/name"),
    )
}


_BRANCHES = ("list[", "literal[")


def _is_meant(detail: Any) -> bool:
    """Return whether an error is of the branch the user took, where a key takes either a word or a list."""
    branch = next((part for part in map(str, detail["loc"]) if part.startswith(_BRANCHES)), "")
    is_word = isinstance(detail["input"], str)
    return is_word if branch.startswith("literal[") else not (branch and detail["type"] == "list_type" and is_word)


def _walk(schema: dict[str, Any], path: tuple[Any, ...]) -> tuple[list[str], list[str]]:
    """Follow pydantic's path through the schema; return its keys without union tags, and the last one's peers."""
    node: dict[str, Any] = schema
    keys: list[str] = []
    peers: list[str] = []
    for part in path:
        node = _resolve(schema, node)
        tags = node.get("discriminator", {}).get("mapping", {})
        if part in tags:
            node = {"$ref": tags[part]}
            continue
        if str(part).startswith(_BRANCHES) or part == "[key]":
            continue
        keys.append(str(part))
        peers = list(node.get("properties", {}))
        inner = [
            *node.get("patternProperties", {}).values(),
            *(node.get(k) for k in ("additionalProperties", "items")),
        ]
        node = node.get("properties", {}).get(part) or next((item for item in inner if item), {})
    return keys, peers


def _resolve(schema: dict[str, Any], node: Any) -> dict[str, Any]:
    while isinstance(node, dict) and "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node if isinstance(node, dict) else {}
