"""Sentences as two lists, of words and of tags, as tables of sentences hold them."""

from collections.abc import Sequence
from typing import Any

from settling.data.reading import Raw
from settling.errors import BadInput, shown


def raw_of(tokens: Any, tags: Any, names: Sequence[str] | None, where: str, **place: Any) -> Raw:
    """Return one row as a sentence; tags that are numbers are places in `names`.

    `place` is what Raw takes. Raises BadInput, `where` first, which names the row.
    """
    if not isinstance(tokens, list) or not isinstance(tags, list) or len(tokens) != len(tags):
        raise BadInput(f"{where}: found {_length(tokens)} tokens and {_length(tags)} tags, expected equally many")
    for token in tokens:
        if not isinstance(token, str):
            raise BadInput(f"{where}: found the token {shown(token)}, expected a word")
    return Raw(tokens, [_named(tag, names, where) for tag in tags], **place)


def _named(tag: Any, names: Sequence[str] | None, where: str) -> str:
    if isinstance(tag, str):
        return tag
    if isinstance(tag, bool) or not isinstance(tag, int):
        raise BadInput(f"{where}: found the tag {shown(tag)}, expected a text or a number")
    if names is None:
        raise BadInput(f"{where}: found the tag {tag}; the key tag_names says what each number stands for")
    if not 0 <= tag < len(names):
        raise BadInput(f"{where}: found the tag {tag}, expected one of the {len(names)} numbers of {', '.join(names)}")
    return names[tag]


def _length(values: Any) -> str:
    return str(len(values)) if isinstance(values, list) else f"no list ({shown(values)})"
