"""Reading YAML that people write: with bounds, and refusing what YAML would read as something that few mean."""

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from settling.errors import BadInput, cut, shown
from settling.files import read_bounded

# Bounds of a YAML file: bytes, and keys and values with aliases written out, of which a few lines may have billions.
MAX_BYTES, MAX_VALUES = 2**20, 20_000
# Characters of a number in a message.
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
                    found = f"found the key {shown(key.value)} again, expected it once"
                    raise BadInput(f"{self.name}:{line}: {found} (first in line {first})")
                lines[key.tag, key.value] = line
                if key.tag != "tag:yaml.org,2002:str":
                    text, value = cut(key.value), self.construct_object(key)
                    raise BadInput(f'{self.name}:{line}: YAML reads the key {text} as {as_read(value)}; write "{text}"')
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
                None, None, f"found {cut(node.value, 40)!r}, no valid {kind}", node.start_mark
            ) from None
        if isinstance(value, int | float) and node.style is None and OTHER_BASE.fullmatch(node.value):
            text = cut(node.value)
            raise BadInput(
                f"{self.name}:{node.start_mark.line + 1}: YAML reads {text} as {as_read(value)}; "
                f'write {cut(str(value))} for the number, "{text}" for the text'
            )
        return value


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds; raise BadInput as `read_document` does."""
    return read_document(path).values


def read_document(path: Path) -> Document:
    """Read a YAML file; raise BadInput where it is missing, too large, not YAML, or not read as it was meant."""
    try:
        loader = Loader(read_bounded(path, MAX_BYTES).decode("utf-8"))
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


def as_read(value: Any) -> str:
    """Return in words what YAML has read something as."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.date):
        return "a date"
    number = shown(value)
    return f"the number {number}" if len(number) < MAX_NUMBER_SHOWN else "a number"
