"""What a claim is: a statement of the paper, the rows that bear on it, and what they must show.

Claims are data: a YAML list, each item checked here. docs/claims.md explains the keys.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from settling.documents import read_yaml
from settling.errors import BadInput, choices
from settling.files import parse_json
from settling.model import Model
from settling.schemas import SCHEMAS
from settling.validation import Name, check

Table = Literal["measures", "detection_runs", "knees"]
# The tables that have one row for each run, and their columns; `knees` is what analysis/caps.py makes of measures.
COLUMNS: dict[str, pa.Schema] = {
    "measures": SCHEMAS["measures"],
    "detection_runs": SCHEMAS["detection_runs"],
    "knees": pa.schema(
        [
            SCHEMAS["measures"].field(name)
            for name in ("dataset", "family", "kind", "cap_class", "noise_seed", "system", "seed")
        ]
        + [pa.field("largest", pa.float64()), pa.field("quantity", pa.string()), SCHEMAS["measures"].field("value")]
    ),
}
# What tells how far a source can be trusted; the last two are recollections, whose numbers are not to be quoted.
TAGS = r"(\[(A|I|L|M|B|S[\d, -]*|C [^\]]+|R\+|R\?)\])+"
RECALLED = ("[R+]", "[R?]")
# An artifact's claims come from elsewhere.
MAX_JSON_BYTES = 2**20
# A filter's value that stands for the class that a row's treatment caps.
CAPPED = "capped"

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(lambda text: " ".join(text.split()))
]
Where = dict[str, Any]


class Claim(Model):
    """A claim and the one test that decides it."""

    id: Name
    claim: Words
    source: Words
    published: float | None = None
    table: Table
    effect: Words
    training_sentences: Annotated[int, Field(ge=1)] | None = None
    where: Where
    against: Where | None = None
    same: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    statistic: Literal["mean", "slope", "share"] = "mean"
    over: str | None = None
    range: dict[Literal["min", "max"], float] | None = None
    grain: Annotated[float, Field(ge=0)] = 0
    lower_bound_where: str | None = None
    direction: Literal["above", "below", "within"]
    margin: float

    @field_validator("source")
    @classmethod
    def _tagged(cls, source: str) -> str:
        if not re.fullmatch(TAGS, source):
            raise ValueError(f"found {source!r}, expected trust tags, such as [A] or [B][S12]")
        return source

    @field_validator("published")
    @classmethod
    def _may_be_quoted(cls, published: float | None, info: ValidationInfo) -> float | None:
        if published is not None and any(tag in info.data.get("source", "") for tag in RECALLED):
            raise ValueError(f"found {published:g}, but {info.data['source']} is a recollection, not to be quoted")
        return published

    @field_validator("where", "against")
    @classmethod
    def _filters(cls, where: Where | None, info: ValidationInfo) -> Where | None:
        table = info.data.get("table")
        for column, wanted in (where or {}).items():
            if table and column == "system" and isinstance(wanted, dict) and wanted:
                for card_column, value in wanted.items():
                    _check_filter(SCHEMAS["systems"], "systems", card_column, value)
            elif table:
                _check_filter(COLUMNS[table], table, column, wanted)
        return where

    @field_validator("by", "over", "same")
    @classmethod
    def _columns(cls, names: Any, info: ValidationInfo) -> Any:
        table = "systems" if info.field_name == "same" else info.data.get("table")
        for name in [names] if isinstance(names, str) else names or []:
            if table:
                _check_column(COLUMNS.get(table, SCHEMAS["systems"]), table, name)
            if table and info.field_name == "over" and not _is_number(COLUMNS[table].field(name).type):
                valid = [field.name for field in COLUMNS[table] if field.name != "value" and _is_number(field.type)]
                raise ValueError(f"found {name!r}, which holds no numbers, expected one of {', '.join(valid)}")
        if names and info.field_name == "same" and "system" not in (info.data.get("against") or {}):
            raise ValueError(f"found {names!r}, expected none without another system under against")
        return names

    @field_validator("over", "range", "grain")
    @classmethod
    def _fits_statistic(cls, value: Any, info: ValidationInfo) -> Any:
        fitting = {"over": ("slope",), "range": ("share",), "grain": ("mean", "slope")}[str(info.field_name)]
        statistic = info.data.get("statistic")
        if value and statistic and statistic not in fitting:
            raise ValueError(f"found {value!r}, which does not go with statistic: {statistic}")
        return value

    @field_validator("direction")
    @classmethod
    def _complete(cls, direction: str, info: ValidationInfo) -> str:
        needed = {"slope": "over", "share": "range"}.get(info.data.get("statistic", ""))
        if needed in info.data and info.data[needed] is None:
            raise ValueError(f"statistic {info.data['statistic']} needs the key {needed!r}, which is missing")
        return direction

    @field_validator("margin")
    @classmethod
    def _bounded_from_below(cls, margin: float, info: ValidationInfo) -> float:
        asked = [info.data.get(name) for name in ("table", "statistic", "direction", "against")]
        if info.data.get("lower_bound_where") and asked != ["measures", "mean", "above", None]:
            raise ValueError("lower_bound_where goes with means of the table measures, above a margin, against nothing")
        return margin

    @field_validator("margin")
    @classmethod
    def _has_an_inside(cls, margin: float, info: ValidationInfo) -> float:
        if info.data.get("direction") == "within" and margin <= 0:
            raise ValueError(f"found {margin:g}, expected more than 0 for direction: within")
        return margin


def read_claims(path: Path) -> list[Claim]:
    """Read and check a file of claims; raise BadInput with one line a problem, which names the claim."""
    items = _read_json(path) if path.suffix == ".json" else read_yaml(path)
    if not isinstance(items, list) or not items:
        raise BadInput(f"{path}: expected a list of claims, each with the keys {', '.join(Claim.model_fields)}")
    claims: dict[str, Claim] = {}
    problems = []
    for number, item in enumerate(items, 1):
        name = item.get("id", f"number {number}") if isinstance(item, dict) else f"number {number}"
        try:
            claim: Claim = check(Claim, item, f"{path}: claim {name}")
        except BadInput as error:
            problems.append(str(error))
            continue
        if claims.setdefault(claim.id, claim) is not claim:
            problems.append(f"{path}: claim {name}: the id is taken by an earlier claim")
    if problems:
        raise BadInput("\n".join(problems))
    return [*claims.values()]


def _read_json(path: Path) -> Any:
    """Read a small JSON file; raise BadInput where it is missing, large or not JSON."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
        if len(content) > MAX_JSON_BYTES:
            raise BadInput(f"{path}: found more than {MAX_JSON_BYTES} bytes, expected at most so many")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    return parse_json(content, str(path))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_column(schema: pa.Schema, table: str, name: str) -> None:
    if name not in schema.names or name == "value":
        valid = [column for column in schema.names if column != "value"]
        raise ValueError(f"no column {name!r} in the table {table}; {choices(str(name), valid)}")


def _check_filter(schema: pa.Schema, table: str, name: str, wanted: Any) -> None:
    """Raise ValueError unless the column exists and `wanted` is null, a value of its type, a list or a range."""
    _check_column(schema, table, name)
    kind = schema.field(name).type
    is_number = _is_number(kind)
    if isinstance(wanted, dict):
        if not is_number:
            raise ValueError(f"{name}: found {wanted!r}, but it holds no numbers; expected a value or a list")
        if not wanted or set(wanted) - {"min", "max"}:
            raise ValueError(f"{name}: found {wanted!r}, expected a range of min, max or both")
    values = wanted if isinstance(wanted, list) else [*wanted.values()] if isinstance(wanted, dict) else [wanted]
    if not values:
        raise ValueError(f"{name}: found an empty list, expected at least one value")
    expected = "true or false" if pa.types.is_boolean(kind) else "a number" if is_number else "text"
    for value in values:
        if value is None and not isinstance(wanted, dict):
            continue
        found = "true or false" if isinstance(value, bool) else "a number" if isinstance(value, int | float) else "text"
        if found != expected or isinstance(value, dict | list) or value is None:
            hint = f"; write '{str(value).lower()}' in quotes" if expected == "text" and isinstance(value, bool) else ""
            raise ValueError(f"{name}: found {value!r}, expected {expected}{hint}")
