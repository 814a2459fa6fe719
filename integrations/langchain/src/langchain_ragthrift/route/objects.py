"""Structured output, as each tier's own model gives it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import merge_configs

from langchain_ragthrift.route.attempts import attempt_of, marked
from langchain_ragthrift.route.calls import schema_of
from langchain_ragthrift.route.forms import Sent
from ragthrift.route import Attempt, Piece, Routed


@dataclass(frozen=True)
class ObjectForm:
    """What `with_structured_output` of a tier's model gives.

    Asked for the whole, it is the message with what was read from it, so that the router sees
    tokens and text. In a stream it is what the caller wants, and the message is overheard.
    """

    asked: Any
    include_raw: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schemas(self) -> Mapping[str, Mapping[str, object]]:
        """There are no tools: a call that carries the object is the answer."""
        return {}

    @cached_property
    def schema(self) -> Mapping[str, object]:
        """What is asked for."""
        return schema_of(self.asked)

    def whole(self, sent: Sent) -> Attempt:
        """Invoke."""
        model = self._on(sent.model, raw=True)
        return _attempt(model.invoke(sent.messages, sent.config, **sent.options))

    async def awhole(self, sent: Sent) -> Attempt:
        """Await."""
        model = self._on(sent.model, raw=True)
        return _attempt(await model.ainvoke(sent.messages, sent.config, **sent.options))

    def parts(self, sent: Sent) -> Iterator[Piece | Attempt]:
        """Stream what has been read so far, again and again."""
        heard = Heard()
        config = merge_configs(sent.config, {"callbacks": [heard]})
        model = self._on(sent.model, raw=self.include_raw)
        for partial in model.stream(sent.messages, config, **sent.options):
            yield Piece("", partial)
        yield heard.attempt()

    async def aparts(self, sent: Sent) -> AsyncIterator[Piece | Attempt]:
        """Stream in the same way."""
        heard = Heard()
        config = merge_configs(sent.config, {"callbacks": [heard]})
        model = self._on(sent.model, raw=self.include_raw)
        async for partial in model.astream(sent.messages, config, **sent.options):
            yield Piece("", partial)
        yield heard.attempt()

    def ends(self, raw: Any) -> bool:  # noqa: ARG002
        """No part of an object has a place for the routing."""
        return False

    def marked(self, raw: Any, routed: Routed) -> Any:
        """Only the message has a place for it."""
        if isinstance(raw, dict) and isinstance(raw.get("raw"), AIMessage):
            return {**raw, "raw": marked(raw["raw"], routed)}
        return raw

    def given(self, output: dict[str, Any]) -> Any:
        """What the caller wants of the message and what was read from it; raises if nothing was."""
        if self.include_raw:
            return output
        if output.get("parsing_error") is not None:
            raise output["parsing_error"]
        return output["parsed"]

    def _on(self, model: BaseChatModel, *, raw: bool) -> Runnable[Any, Any]:
        return model.with_structured_output(self.asked, include_raw=raw, **self.options)


def _attempt(output: Any) -> Attempt:
    return attempt_of(output["raw"], output)


class Heard(BaseCallbackHandler):
    """Hears the message behind an object."""

    run_inline = True

    def __init__(self) -> None:
        self._message: AIMessage | None = None

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """Keep the message."""
        for generation in (one for several in response.generations for one in several):
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
                self._message = generation.message

    def attempt(self) -> Attempt:
        """The message as an attempt."""
        if self._message is None:
            return Attempt("")
        return replace(attempt_of(self._message), raw=None)
