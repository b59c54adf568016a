"""What the pieces of a configuration are made of: the model that checks their keys, and numbers with their bounds."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# The most items of a list of numbers.
MAX_LISTED = 10_000
Listed = Field(min_length=1, max_length=MAX_LISTED)
# Tables hold seeds, noise seeds and numbers of sentences as int32.
Count = Annotated[int, Field(ge=0, lt=2**31)]


def _without_truth(schema: Any, model: type[BaseModel]) -> Any:
    """Return a model's schema with every number in it refusing true and false, which Python takes for 1 and 0."""
    if isinstance(schema, list):
        return [_without_truth(inner, model) for inner in schema]
    if not isinstance(schema, dict) or (schema.get("type") == "model" and schema["cls"] is not model):
        return schema
    if schema.get("type") in ("int", "float"):
        return core_schema.no_info_before_validator_function(_refuse_truth, schema)
    left = ("default", "metadata", "serialization")
    return {key: inner if key in left else _without_truth(inner, model) for key, inner in schema.items()}


def _refuse_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"found {str(value).lower()}, expected a number")
    return value


class Model(BaseModel):
    """A piece of the configuration: unknown keys are errors, values never change after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _without_truth(handler(source), cls)
        return schema
