"""Checking plain data against a pydantic model or union, with errors in words.

Here are also the kinds of strings that a configuration holds, each with what it is called when one is wrong.
"""

import datetime
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args

import yaml
from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError

from settling.errors import BadInput, choices, one_line
from settling.layout import NAME, TREATMENT_NAME

# Names become parts of paths, which file systems bound.
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$", max_length=100)]
# That of a treatment holds the class that it caps, or its slug after `~`.
TreatmentName = Annotated[str, StringConstraints(pattern=f"^{TREATMENT_NAME}$", max_length=150)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
GitId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Package = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+$")]
HubRepo = Annotated[str, StringConstraints(pattern=r"^[\w.-]+(/[\w.-]+)?$")]


def _class_name(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"found {text!r}, expected printable characters without a space at either end")
    return text


# A class of a data set is called what its authors called it.
ClassName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_class_name)]

# Bounds of a YAML file: bytes, and keys and values with aliases written out, of which a few lines may have billions.
MAX_BYTES, MAX_VALUES = 2**20, 20_000
# Bounds of what is said of bad input: characters of a value and of a line, and lines.
MAX_SHOWN, MAX_LINE, MAX_PROBLEMS = 100, 1000, 50
MAX_NUMBER_SHOWN = 20
# What YAML reads to another base: 010 as 8, 1:30 as 90.
OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")
# Where each value stands in a file, and its text there, of those that YAML does not take for text.
Written = Mapping[tuple[str, ...], str]


class Document(NamedTuple):
    """What a YAML file holds."""

    values: Any
    written: Written


class Loader(yaml.SafeLoader):
    """YAML's safe loader; what it would read as something that few mean is an error with its line.

    Such are a mapping that has a key twice, a key that is no text, a number to another base than ten that does not
    look it, a value that Python does not have, and a file of too many values.
    """

    num_values = 0

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        """Compose a node; raise BadInput where there are too many."""
        self.num_values += 1
        if self.num_values > MAX_VALUES:
            raise BadInput(f"{self.name}: found more than {MAX_VALUES} keys and values, expected at most so many")
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping; raise BadInput where it has a key twice, or one that is no text."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        # Later, the keys of merged mappings are among its own.
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                if (key.tag, key.value) in lines:
                    first = lines[key.tag, key.value]
                    found = f"found the key {_shown(key.value)} again, expected it once"
                    raise BadInput(f"{self.name}:{line}: {found} (first in line {first})")
                lines[key.tag, key.value] = line
                if key.tag != "tag:yaml.org,2002:str":
                    text, value = _cut(key.value), self.construct_object(key)
                    raise BadInput(
                        f'{self.name}:{line}: YAML reads the key {text} as {_as_read(value)}; write "{text}"'
                    )
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; raise YAMLError where Python has none for it, BadInput where few mean it."""
        if not isinstance(node, yaml.ScalarNode):
            return super().construct_object(node, deep)
        try:
            value = super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"found {_cut(node.value, 40)!r}, no valid {kind}", node.start_mark
            ) from None
        if isinstance(value, int | float) and node.style is None and OTHER_BASE.fullmatch(node.value):
            text = _cut(node.value)
            raise BadInput(
                f"{self.name}:{node.start_mark.line + 1}: YAML reads {text} as {_as_read(value)}; "
                f'write {_cut(str(value))} for the number, "{text}" for the text'
            )
        return value


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds; raise BadInput as `read_document` does."""
    return read_document(path).values


def read_document(path: Path) -> Document:
    """Read a YAML file; raise BadInput where it is missing, too large, not YAML, or not read as it was meant."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise BadInput(f"{path}: found more than {MAX_BYTES} bytes, expected at most so many")
        loader = Loader(content.decode("utf-8"))
        loader.name = str(path)
        node = loader.get_single_node()
        if node is None:
            return Document(None, {})
        if _size(node, {}) > MAX_VALUES:
            raise BadInput(
                f"{path}: with its aliases written out it has more than {MAX_VALUES} keys and values, "
                "expected at most so many"
            )
        values = loader.construct_document(node)
        return Document(values, dict(_scalars(node, ())))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except RecursionError:
        raise BadInput(f"{path}: not YAML (nested too deeply)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not YAML ({' '.join(str(error).split())})") from None


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many keys and values a node has, its aliases written out; more than allowed is MAX_VALUES + 1."""
    if id(node) not in known:
        # A node within itself has no end.
        known[id(node)] = MAX_VALUES + 1
        known[id(node)] = min(1 + sum(_size(part, known) for part in _inner(node)), MAX_VALUES + 1)
    return known[id(node)]


def _scalars(node: yaml.Node, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield the path and the text of each value that stands plain in the file and is not read as text."""
    if isinstance(node, yaml.MappingNode):
        # Keys of merged mappings come first, those of its own then take their place.
        for key, value in node.value:
            yield from _scalars(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _scalars(value, (*path, str(number)))
    elif isinstance(node, yaml.ScalarNode) and node.style is None and node.tag != "tag:yaml.org,2002:str":
        yield path, node.value


def check(kind: Any, values: Any, where: str, written: Written | None = None) -> Any:
    """Return `values` as the model or union `kind`; raise BadInput with one line a problem, `where` first.

    `written` tells what stands in the file that they were read from, so that a message can say how YAML read it.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        schema = adapter.json_schema()
    except RecursionError:
        raise BadInput(f"{where}: nested too deeply") from None
    # An error inside a list makes pydantic call the list too short as well.
    inner = [detail["loc"] for detail in details if detail["type"] != "too_short"]
    details = [
        detail
        for detail in details
        if detail["type"] != "too_short" or not any(loc[: len(detail["loc"])] == detail["loc"] for loc in inner)
    ]
    words = {place for detail in details if (place := _place_of_branch(detail, WORD_BRANCH)) is not None}
    details = [detail for detail in details if _is_meant(detail, words)]
    raise refused(where, [_describe(schema, detail, written or {}) for detail in details])


def refused(where: str, problems: list[str]) -> BadInput:
    """Return the error of some problems: a line each, `where` first, none too long, the first MAX_PROBLEMS of them."""
    # A key may hold newlines.
    lines = [_cut(one_line(f"{where}: {problem}"), MAX_LINE) for problem in problems[:MAX_PROBLEMS]]
    left = len(problems) - len(lines)
    more = [_cut(one_line(f"{where}: {left} more problems"), MAX_LINE)] if left else []
    return BadInput("\n".join([*lines, *more]))


def _describe(schema: dict[str, Any], detail: Any, written: Written) -> str:
    """Put one pydantic error in words: key, what was found, what was expected."""
    location, valid_keys = _walk(schema, detail["loc"])
    key, kind, found = ".".join(map(_cut, location)) or "the study", detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{key}: unknown key; {choices(_cut(location[-1]), valid_keys)}"
    if kind == "missing":
        return f"{key}: missing"
    if kind in ("union_tag_invalid", "literal_error"):
        expected = context.get("expected_tags") or context.get("expected", "")
        valid = [name.strip().strip("'") for name in expected.replace(" or ", ",").split(",")]
        tag = ["kind"] if kind == "union_tag_invalid" else []
        found = found["kind"] if tag and isinstance(found, dict) else found
        bad = found if isinstance(found, str) else written.get((*location, *tag), _shown(found))
        return f"{'.'.join([key, *tag])}: found {_cut(bad)!r}; {choices(_cut(bad), valid)}"
    if kind == "union_tag_not_found":
        return f"{key}.kind: missing"
    text = None if isinstance(found, str) else written.get(tuple(location))
    shown = _shown(found) if text is None else _cut(text) or "nothing"
    if misread := _misread(kind, found, text):
        return f"{key}: {misread}"
    if kind == "list_type":
        return f"{key}: found {shown}, expected a list, such as [{_cut(found) if isinstance(found, str) else shown}]"
    if kind == "string_too_long":
        return f"{key}: found {len(found)} characters, expected at most {context['max_length']}"
    if kind == "string_too_short":
        return f"{key}: found {shown}, expected at least {context['min_length']} characters"
    if kind == "too_short":
        return f"{key}: found {shown}, expected at least {context['min_length']} of them"
    if kind == "too_long":
        return f"{key}: found {len(found)} of them, expected at most {context['max_length']}"
    if kind == "value_error":
        return f"{key}: {context['error']}"
    if kind == "string_pattern_mismatch":
        return f"{key}: found {shown}, expected {_PATTERNS.get(context['pattern'], context['pattern'])}"
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{key}: found {shown}, expected {message.removeprefix('input should be ')}"


# What YAML makes of a plain word or number that may have been meant otherwise.
_READ = bool | int | float | datetime.date | None


def _misread(kind: str, found: Any, text: str | None) -> str:
    """Say how YAML read what it did not read as was meant, and what to write; nothing where that is not the fault."""
    if kind == "string_type" and isinstance(found, _READ):
        if text:
            return f'YAML reads {_cut(text)} as {_as_read(found)}; write "{_cut(text)}"'
        hint = "; YAML reads yes, no, on and off as true and false: write such a word in quotes"
        return f"found {_as_read(found)}, expected text{hint if isinstance(found, bool) else ''}"
    is_date, is_truth = isinstance(found, datetime.date), isinstance(found, bool)
    if text and (is_date or found is None or (is_truth and kind == "value_error" and text not in ("true", "false"))):
        expected = "a number" if kind.startswith(("int_", "float_", "value_")) else "something else"
        return f"YAML reads {_cut(text)} as {_as_read(found)}; expected {expected}"
    # YAML takes 1e3 for a number only with a dot in it.
    if kind == "int_parsing" and isinstance(found, str) and re.fullmatch(r"[0-9]{1,9}[eE]\+?[0-9]", found):
        return f"YAML reads {found} as text; write {float(found):.0f}"
    return ""


def _as_read(value: Any) -> str:
    """Say what YAML has read something as."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.date):
        return "a date"
    shown = _shown(value)
    return f"the number {shown}" if len(shown) < MAX_NUMBER_SHOWN else "a number"


def _cut(text: str, length: int = MAX_SHOWN) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = 10
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 1000


def _shown(found: Any) -> str:
    """Return a value as Python writes it, no longer than can be read."""
    try:
        return _cut(_SHORT.repr(found))
    except (RecursionError, ValueError):
        return "what is too large to show"


_PATTERNS = {
    get_args(kind)[1].pattern: words
    for kind, words in (
        (Name, "a name of letters, digits, '_', '.' and '-'"),
        (TreatmentName, "a name of letters, digits, '_', '.', '~' and '-'"),
        (Sha256, "a SHA-256 of 64 hexadecimal digits"),
        (GitId, "a git id of 40 hexadecimal digits"),
        (Package, "a package with its version, such as name==1.0"),
        (HubRepo, "a repository, such as owner/name"),
    )
}


# How pydantic calls the branch of a key that takes any word.
WORD_BRANCH = "constrained-str"
_BRANCHES = ("list[", "literal[", WORD_BRANCH)


def _place_of_branch(detail: Any, branch: str) -> tuple[Any, ...] | None:
    """Return where the key is of which an error is one of the branches that begin so; None where there is none."""
    places = (place for place, part in enumerate(detail["loc"]) if str(part).startswith(branch))
    return next((detail["loc"][:place] for place in places), None)


def _is_meant(detail: Any, words: set[tuple[Any, ...]]) -> bool:
    """Return whether an error is of the branch the user took, where a key takes either a word or a list.

    `words` are the places of the keys that take any word: what is neither a word nor a list there was meant as one.
    """
    is_word = isinstance(detail["input"], str)
    if _place_of_branch(detail, WORD_BRANCH) is not None:
        return not isinstance(detail["input"], list)
    if _place_of_branch(detail, "literal[") is not None:
        return is_word
    place = _place_of_branch(detail, "list[")
    return not (place is not None and detail["type"] == "list_type" and (is_word or place in words))


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
