"""A form that a JSON Schema describes, as the class by which structured output and agents take their answers.

The model is shown the schema as it stands; what it fills in is checked against it, so that a wrong answer is told to
the model like that of any other form.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from state.runs import Json
from tools.schemas import faults

_WRAPPED = "answer"
_TOLD = 5
"""Faults of an answer that the model is told."""


class AnswerForm(BaseModel):
    """An answer that fits a schema; its classes are made by `form_of`."""

    model_config = ConfigDict(extra="allow")
    wanted: ClassVar[Json] = {}
    is_wrapped: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _fits(cls, value: Any) -> Any:
        wrong = faults(cls.wanted, value)
        if wrong:
            raise ValueError("; ".join(wrong[:_TOLD]))
        return value

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> Json:
        """The schema as it was given, under the name of the form."""
        return {**cls.wanted, "title": cls.__name__, "description": cls.wanted.get("description", "The answer.")}

    @property
    def value(self) -> Any:
        """The answer itself."""
        given = dict(self.model_extra or {})
        return given[_WRAPPED] if self.is_wrapped else given


def form_of(name: str, schema: Json) -> type[AnswerForm]:
    """The class, called `name`, of answers that fit `schema`; one that is no object is the field `answer` of one.

    Its validation raises ValueError with what is wrong, each with its place.
    """
    is_object = schema.get("type") == "object"
    made: type[AnswerForm] = type(name, (AnswerForm,), {"__module__": __name__, "__doc__": "The answer."})
    made.is_wrapped = not is_object
    made.wanted = schema if is_object else _wrapped(schema)
    return made


def _wrapped(schema: Json) -> Json:
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    return {"type": "object", "properties": {_WRAPPED: inner}, "required": [_WRAPPED], **definitions}
