"""Reads named values out of a text; what the text does not say is named as missing, never made up."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel, ConfigDict, Field

from chains.answer_form import form_of
from chains.ask import ask, brief
from state.runs import Json


class ExtractInput(BaseModel):
    """What is to be read, and for what."""

    model_config = ConfigDict(extra="forbid")

    text: Any = Field(description="a text, or any value")
    fields: dict[str, str | Json] = Field(
        min_length=1, description="by name: what the value is, in words, or its JSON Schema"
    )


class Extracted(BaseModel):
    """The values that were found."""

    values: Json = Field(description="by the name of the field; null where the text does not say")
    missing: list[str] = Field(description="names of the fields that the text does not say")


def extractor(model: BaseChatModel) -> Runnable[ExtractInput, Extracted]:
    """Reads the values. Raises BadOutput where they do not fit their schemas, also after the model was told."""

    async def extract(given: ExtractInput) -> Extracted:
        wanted = {name: _schema(each) for name, each in given.fields.items()}
        form = form_of(
            "FieldsDraft",
            {
                "type": "object",
                "properties": {name: {"anyOf": [each, {"type": "null"}]} for name, each in wanted.items()},
                "required": list(wanted),
                "additionalProperties": False,
            },
        )
        found = (await ask(model, "extract", form, brief(text=given.text, fields=wanted))).value
        return Extracted(values=found, missing=[name for name in wanted if found[name] is None])

    return RunnableLambda(extract, name="extract").with_types(input_type=ExtractInput, output_type=Extracted)


def _schema(field: str | Json) -> Json:
    return {"type": "string", "description": field} if isinstance(field, str) else field
