"""What the JSON records in an artifact must hold for a report to be made of them. They may come from anyone."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from settling.errors import BadInput, cut, one_line


def _encodable(text: str) -> str:
    text.encode()
    return text


Text = Annotated[str, AfterValidator(_encodable)]
NotNegative = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """What is read of a record; it may hold more."""

    model_config = ConfigDict(strict=True, extra="allow")


class Made(Record):
    """How a file was made."""

    spec: dict[str, Any]
    # No checkpoint has no hash.
    inputs: dict[Text, Text | None]
    version: Text
    commit: Text
    code: Text


class Machine(Record):
    """What a run ran on."""

    name: Text
    torch: Text


class RunRecord(Record):
    """The record of a run."""

    identity: Text
    made: Made
    outputs: dict[Text, Text]
    parameters: NotNegative
    machine: Machine
    seconds_per_epoch: list[Annotated[float, Field(ge=0)]]
    ended: Text


class Spec(Record):
    """What a data set was made of."""

    source: dict[str, Any]


class DatasetCard(Record):
    """The card of a data set."""

    spec: Spec
    splits: dict[Text, dict[Text, Any]]
    licence: Text | None
    tags: list[Text]
    inputs: dict[Text, Text]
    warnings: list[Text] = []


def check_record(where: str, model: type[Record], value: Any) -> None:
    """Raise BadInput unless `value`, read from JSON, holds what the record must."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "record"
        raise BadInput(f"{where}: {cut(one_line(key))}: {first['msg']}") from None
