"""Write the tables of keys in docs/config.md from the descriptions that the keys have in the code.

    python docs/config_tables.py

A table stands between `<!-- keys: MODEL -->` and `<!-- end of keys -->`. MODEL is `module:class`. `less` and a second
model after it leave out the keys that have the same description there.
"""

import importlib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

PAGE = Path(__file__).resolve().parent / "config.md"
BLOCK = re.compile(r"(<!-- keys: (\S+)(?: less (\S+))? -->\n).*?(<!-- end of keys -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """Return the text of a page with every table of keys as the code has it."""
    return BLOCK.sub(lambda block: f"{block[1]}{table(block[2], block[3])}{block[4]}", page)


def table(name: str, less: str | None) -> str:
    """Return the keys of a model with their defaults and descriptions, as a table in Markdown."""
    known = {} if less is None else {key: field.description for key, field in fields(less).items()}
    rows = [
        f"| `{key}` | {default_of(field)} | {field.description} |\n"
        for key, field in fields(name).items()
        if known.get(key) != field.description
    ]
    return "".join(["| key | default | meaning |\n| --- | --- | --- |\n", *rows])


def fields(name: str) -> dict[str, FieldInfo]:
    """Return the fields of a model `module:class` by the keys that a configuration has for them."""
    module, model = name.split(":")
    found: type[BaseModel] = getattr(importlib.import_module(module), model)
    return {field.alias or key: field for key, field in found.model_fields.items() if key != "kind"}


def default_of(field: FieldInfo) -> str:
    """Return a field's default as YAML, in code marks; nothing where it must be given, `none` for null."""
    if field.is_required():
        return "must be given"
    default: Any = field.default
    if isinstance(default, BaseModel):
        default = default.model_dump(mode="json")
    if default is None:
        return "none"
    plain = list(default) if isinstance(default, tuple) else default
    text = yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=False)
    return f"`{text.removesuffix(chr(10)).removesuffix(chr(10) + '...')}`"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
