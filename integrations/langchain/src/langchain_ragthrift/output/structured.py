"""Answers that fit a schema: the provider's own way first, then repair."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableLambda, run_in_executor

from langchain_ragthrift.cache.messages import ended
from langchain_ragthrift.output.sending import to_messages
from langchain_ragthrift.wrapped_llm import LangChainLLM
from ragthrift.prompt.output import Repair, Schema, StructuredOutputError
from ragthrift.prompt.output.structured import shape

log = logging.getLogger(__name__)

Structured = Runnable[LanguageModelInput, Any]


def structured(
    model: BaseChatModel,
    schema: Mapping[str, Any] | type | Repair,
    *,
    native: bool | None = None,
    strict: bool = True,
    include_raw: bool = False,
) -> Structured:
    r"""A model that answers with objects of `schema`: a JSON schema, or a class of pydantic's.

    A model whose profile says so (`native` overrules it) gets the schema as the provider's own
    strict one; any other by words, behind the system message. An answer that does not fit is mended
    on the spot, else by one call of the model, which sees neither prompt nor documents, else
    `StructuredOutputError` is raised. A `Repair` in the place of the schema chooses another model
    for that call, counts, records, or with `on_error="pass"` has None come out. `include_raw` gives
    a dict as `with_structured_output` does.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> model = FakeListChatModel(responses=["```json\n{'day': '25'}\n```"])
    >>> schema = {"type": "object", "properties": {"day": {"type": "integer"}}}
    >>> structured(model, schema).invoke("When is payday?")
    {'day': 25}
    """
    mending = LangChainLLM(model, purpose="repair")
    repair = schema if isinstance(schema, Repair) else Repair(schema, mending)
    reading = _Reading(repair, include_raw)
    if native is None:
        native = bool((model.profile or {}).get("structured_output"))
    asked = _native(model, repair.schema, strict) if native else None
    return (asked or _by_words(model, repair.schema.text)) | RunnableLambda(
        reading.read, reading.aread, name="structured"
    )


def _native(model: BaseChatModel, schema: Schema, strict: bool) -> Structured | None:
    """The provider's way, of which the message is taken; `None` where the model lacks it."""
    try:
        asked: Any = model.with_structured_output(
            schema.model or dict(schema.json),
            method="json_schema",
            include_raw=True,
            strict=strict,
        )
    except (TypeError, ValueError, NotImplementedError) as error:
        log.warning("%s takes no strict schema, so it is asked by words: %s", model, error)
        return None
    taken: Structured = asked | RunnableLambda(lambda answer: answer["raw"], name="raw")
    return taken


def _by_words(model: BaseChatModel, schema: str) -> Structured:
    def asked(given: LanguageModelInput) -> list[BaseMessage]:
        messages, words = to_messages(given), shape(schema)
        if messages and isinstance(messages[0], SystemMessage):
            content = messages[0].content
            both: Any = (
                f"{content}\n\n{words}"
                if isinstance(content, str)
                else [*content, {"type": "text", "text": words}]
            )
            return [messages[0].model_copy(update={"content": both}), *messages[1:]]
        return [SystemMessage(words), *messages]

    return RunnableLambda(asked, name="schema") | model


class _Reading:
    """Reads messages; a repair call waits in a thread, so that the event loop stays free."""

    def __init__(self, repair: Repair, include_raw: bool) -> None:
        self._repair, self._include_raw = repair, include_raw

    def read(self, message: AIMessage) -> Any:
        """The object, or with the message a dict."""
        problem: Exception | None = None
        try:
            answer = self._repair.read(_written(message), ended(message))
        except StructuredOutputError as error:
            if not self._include_raw:
                raise
            value, problem = None, error
        else:
            value = answer.value
            if answer.problems:
                problem = StructuredOutputError("; ".join(answer.problems), answer.text)
        if not self._include_raw:
            return value
        return {"raw": message, "parsed": value, "parsing_error": problem}

    async def aread(self, message: AIMessage) -> Any:
        """Do the same."""
        return await run_in_executor(None, self.read, message)


def _written(message: AIMessage) -> str:
    """What a model wrote: text, or the arguments of the tool that stands for the schema."""
    if text := str(message.text).strip():
        return text
    if message.tool_calls:
        return json.dumps(message.tool_calls[0]["args"], ensure_ascii=False)
    broken = [call["args"] for call in message.invalid_tool_calls if call["args"]]
    return broken[0] if broken else ""
