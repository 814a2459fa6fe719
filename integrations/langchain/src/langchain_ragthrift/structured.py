"""Answers that fit a schema, as LangChain hands them out."""

from operator import itemgetter
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

Structured = Runnable[LanguageModelInput, dict[str, Any] | BaseModel]


def parsed(
    model: Runnable[LanguageModelInput, AIMessage],
    schema: dict[str, Any] | type,
    *,
    include_raw: bool,
) -> Structured:
    """The model, and behind it what reads its answer."""
    parser: Runnable[AIMessage, Any] = JsonOutputParser()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = PydanticOutputParser[Any](pydantic_object=schema)
    if not include_raw:
        return model | parser
    reading: Runnable[Any, Any] = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    unread = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | reading.with_fallbacks([unread], exception_key="parsing_error")
