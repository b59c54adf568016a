"""A claim: a statement of the paper, the rows of a table that it is tested on, and what these rows must show.

Claims are data. A file holds a list of them, and this module checks each item. docs/claims.md explains the keys.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from settling.documents import read_yaml
from settling.errors import BadInput, choices
from settling.files import parse_json, read_bounded
from settling.model import NUMBER, Model, Number
from settling.schemas import SCHEMAS
from settling.validation import Name, check

Table = Literal["measures", "detection_runs", "class_thresholds"]
# The tables that claims are tested on, and their columns. A row is of one run. `class_thresholds` is not in a file:
# `settling.analysis.caps.class_thresholds` makes it from `measures`.
TABLE_COLUMNS: dict[str, pa.Schema] = {
    "measures": SCHEMAS["measures"],
    "detection_runs": SCHEMAS["detection_runs"],
    "class_thresholds": pa.schema(
        [
            SCHEMAS["measures"].field(name)
            for name in ("dataset", "family", "kind", "cap_class", "noise_seed", "system", "seed")
        ]
        + [pa.field("largest", pa.float64()), pa.field("quantity", pa.string()), SCHEMAS["measures"].field("value")]
    ),
}
# The tags say where a claim is from. [R+] and [R?] are recollections, whose numbers are not to be quoted.
SOURCE_TAGS = r"(\[(A|I|L|M|B|S[\d, -]*|C [^\]]+|R\+|R\?)\])+"
RECALLED = ("[R+]", "[R?]")
# The claims in an artifact are a stranger's, so their size is bounded.
MAX_JSON_BYTES = 2**20
# As the value of a filter on `class`: the class that the row's treatment caps.
CAPPED = "capped"

OneLine = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(lambda text: " ".join(text.split()))
]
Where = dict[str, Any]


class Claim(Model):
    """A claim, and the test that decides it."""

    id: Name
    claim: OneLine
    source: OneLine
    published: Number | None = None
    table: Table
    effect: OneLine
    training_sentences: Annotated[int, Field(ge=1), NUMBER] | None = None
    where: Where
    against: Where | None = None
    same: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    statistic: Literal["mean", "slope", "share"] = "mean"
    over: str | None = None
    range: dict[Literal["min", "max"], Number] | None = None
    grain: Annotated[float, Field(ge=0), NUMBER] = 0
    lower_bound_where: str | None = None
    direction: Literal["above", "below", "within"]
    margin: Number

    @field_validator("source")
    @classmethod
    def _tagged(cls, source: str) -> str:
        if not re.fullmatch(SOURCE_TAGS, source):
            raise ValueError(f"found {source!r}, expected tags of sources, such as [A] or [B][S12]")
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
                for systems_column, value in wanted.items():
                    _check_filter(SCHEMAS["systems"], "systems", systems_column, value)
            elif table:
                _check_filter(TABLE_COLUMNS[table], table, column, wanted)
        return where

    @field_validator("by", "over", "same")
    @classmethod
    def _columns(cls, names: Any, info: ValidationInfo) -> Any:
        table = "systems" if info.field_name == "same" else info.data.get("table")
        for name in [names] if isinstance(names, str) else names or []:
            if table:
                _check_column(TABLE_COLUMNS.get(table, SCHEMAS["systems"]), table, name)
            if table and info.field_name == "over" and not _holds_numbers(TABLE_COLUMNS[table].field(name).type):
                valid = [
                    field.name for field in TABLE_COLUMNS[table] if field.name != "value" and _holds_numbers(field.type)
                ]
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
        keys = {"table": "measures", "statistic": "mean", "direction": "above", "against": None}
        if info.data.get("lower_bound_where") and any(info.data.get(name) != value for name, value in keys.items()):
            raise ValueError("lower_bound_where goes with means of the table measures, above a margin, against nothing")
        return margin

    @field_validator("margin")
    @classmethod
    def _has_an_inside(cls, margin: float, info: ValidationInfo) -> float:
        if info.data.get("direction") == "within" and margin <= 0:
            raise ValueError(f"found {margin:g}, expected more than 0 for direction: within")
        return margin


def read_claims(path: Path) -> list[Claim]:
    """Read and check a file of claims, YAML or JSON.

    Raises BadInput with one line for each problem; the line names the claim.
    """
    items = parse_json(read_bounded(path, MAX_JSON_BYTES), str(path)) if path.suffix == ".json" else read_yaml(path)
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


def _holds_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_column(schema: pa.Schema, table: str, name: str) -> None:
    if name not in schema.names or name == "value":
        valid = [column for column in schema.names if column != "value"]
        raise ValueError(f"no column {name!r} in the table {table}; {choices(str(name), valid)}")


def _check_filter(schema: pa.Schema, table: str, name: str, wanted: Any) -> None:
    """Raise ValueError unless the column `name` exists and `wanted` is a filter that fits its type.

    A filter is null, a value, a list of values, or a range.
    """
    _check_column(schema, table, name)
    kind = schema.field(name).type
    is_number = _holds_numbers(kind)
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
        actual = (
            "true or false" if isinstance(value, bool) else "a number" if isinstance(value, int | float) else "text"
        )
        if actual != expected or isinstance(value, dict | list) or value is None:
            hint = f"; write '{str(value).lower()}' in quotes" if expected == "text" and isinstance(value, bool) else ""
            raise ValueError(f"{name}: found {value!r}, expected {expected}{hint}")
