"""What the cards in an artifact must hold for a report to be made of them. They may come from anyone."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from settling.errors import BadInput


def _encodable(text: str) -> str:
    text.encode()
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Count = Annotated[int, Field(ge=0)]


class Card(BaseModel):
    """What is read of a card; it may hold more."""

    model_config = ConfigDict(strict=True, extra="allow")


class Made(Card):
    """What made a file."""

    spec: dict[str, Any]
    # No checkpoint has no hash.
    inputs: dict[Text, Text | None]
    version: Text
    commit: Text
    code: Text


class Machine(Card):
    """What a run ran on."""

    name: Text
    torch: Text


class RunCard(Card):
    """run.json."""

    identity: Text
    made: Made
    outputs: dict[Text, Text]
    parameters: Count
    machine: Machine
    seconds_per_epoch: list[Annotated[float, Field(ge=0)]]
    ended: Text


class Spec(Card):
    """What a data set was made of."""

    source: dict[str, Any]


class DataCard(Card):
    """card.json of a data set."""

    spec: Spec
    splits: dict[Text, dict[Text, Any]]
    licence: Text | None
    tags: list[Text]
    inputs: dict[Text, Text]
    warnings: list[Text] = []


def check_card(where: str, model: type[Card], value: Any) -> None:
    """Raise BadInput unless `value`, read from JSON, holds what the card must."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "card"
        raise BadInput(f"{where}: {ascii(key)[1:-1]}: {first['msg']}") from None
