"""Checking plain data against a pydantic model or union, with errors in words.

Here are also the kinds of strings that a configuration holds, each with what it is called when one is wrong.
"""

import datetime
import re
import unicodedata
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError

from settling.documents import Written, as_read
from settling.errors import BadInput, choices, cut, one_line, shown
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

# Bounds of what is said of bad input: characters of a line, and lines.
MAX_LINE, MAX_PROBLEMS = 1000, 50


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
    lines = [cut(one_line(f"{where}: {problem}"), MAX_LINE) for problem in problems[:MAX_PROBLEMS]]
    left = len(problems) - len(lines)
    more = [cut(one_line(f"{where}: {left} more problems"), MAX_LINE)] if left else []
    return BadInput("\n".join([*lines, *more]))


def _describe(schema: dict[str, Any], detail: Any, written: Written) -> str:
    """Put one pydantic error in words: key, what was found, what was expected."""
    location, valid_keys = _walk(schema, detail["loc"])
    key, kind, found = ".".join(map(cut, location)) or "the study", detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{key}: unknown key; {choices(cut(location[-1]), valid_keys)}"
    if kind == "missing":
        return f"{key}: missing"
    if kind in ("union_tag_invalid", "literal_error"):
        expected = context.get("expected_tags") or context.get("expected", "")
        valid = [name.strip().strip("'") for name in expected.replace(" or ", ",").split(",")]
        tag = ["kind"] if kind == "union_tag_invalid" else []
        found = found["kind"] if tag and isinstance(found, dict) else found
        bad = found if isinstance(found, str) else written.get((*location, *tag), shown(found))
        return f"{'.'.join([key, *tag])}: found {cut(bad)!r}; {choices(cut(bad), valid)}"
    if kind == "union_tag_not_found":
        return f"{key}.kind: missing"
    text = None if isinstance(found, str) else written.get(tuple(location))
    value = shown(found) if text is None else cut(text) or "nothing"
    if misread := _misread(kind, found, text):
        return f"{key}: {misread}"
    if kind == "list_type":
        return f"{key}: found {value}, expected a list, such as [{cut(found) if isinstance(found, str) else value}]"
    if kind == "string_too_long":
        return f"{key}: found {len(found)} characters, expected at most {context['max_length']}"
    if kind == "string_too_short":
        return f"{key}: found {value}, expected at least {context['min_length']} characters"
    if kind == "too_short":
        return f"{key}: found {value}, expected at least {context['min_length']} of them"
    if kind == "too_long":
        return f"{key}: found {len(found)} of them, expected at most {context['max_length']}"
    if kind == "value_error":
        return f"{key}: {context['error']}"
    if kind == "string_pattern_mismatch":
        return f"{key}: found {value}, expected {_PATTERNS.get(context['pattern'], context['pattern'])}"
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{key}: found {value}, expected {message.removeprefix('input should be ')}"


# What YAML makes of a plain word or number that may have been meant otherwise.
_READ = bool | int | float | datetime.date | None


def _misread(kind: str, found: Any, text: str | None) -> str:
    """Say how YAML read what it did not read as was meant, and what to write; nothing where that is not the fault."""
    if kind == "string_type" and isinstance(found, _READ):
        if text:
            return f'YAML reads {cut(text)} as {as_read(found)}; write "{cut(text)}"'
        hint = "; YAML reads yes, no, on and off as true and false: write such a word in quotes"
        return f"found {as_read(found)}, expected text{hint if isinstance(found, bool) else ''}"
    is_date, is_truth = isinstance(found, datetime.date), isinstance(found, bool)
    if text and (is_date or found is None or (is_truth and kind == "value_error" and text not in ("true", "false"))):
        expected = "a number" if kind.startswith(("int_", "float_", "value_")) else "something else"
        return f"YAML reads {cut(text)} as {as_read(found)}; expected {expected}"
    # YAML takes 1e3 for a number only with a dot in it.
    if kind == "int_parsing" and isinstance(found, str) and re.fullmatch(r"[0-9]{1,9}[eE]\+?[0-9]", found):
        return f"YAML reads {found} as text; write {float(found):.0f}"
    return ""


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
