"""The calls that LlamaIndex's models get, by its instrumentation."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionStartEvent,
)
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher

from ragthrift import Message
from ragthrift.types import Role
from ragthrift_bench.attempts import Call
from ragthrift_bench.models.reported import llama_index_usage
from ragthrift_bench.observation import Observation

_Start = LLMChatStartEvent | LLMCompletionStartEvent
_End = LLMChatEndEvent | LLMCompletionEndEvent


_ROLES: Mapping[str, Role] = {"system": "system", "assistant": "assistant"}


@dataclass(slots=True)
class _Trace:
    """The spans of one question. A call inside another call is the same call."""

    seen: Observation
    parents: dict[str, str | None] = field(default_factory=dict)
    started: dict[str, tuple[_Start, float]] = field(default_factory=dict)

    def end(self, event: _End) -> None:
        """See the call that ends here, unless another one is still open around it."""
        span = event.span_id or ""
        if span not in self.started or event.response is None:
            return
        start, since = self.started.pop(span)
        if any(outer in self.started for outer in self._around(span)):
            return
        seconds = time.perf_counter() - since
        reported = llama_index_usage(event.response)
        call = Call(_sent(start), _said(event), _model(start), reported, seconds)
        self.seen.add(call, seconds)

    def _around(self, span: str) -> Iterator[str]:
        outer = self.parents.get(span)
        while outer is not None:
            yield outer
            outer = self.parents.get(outer)


_trace: ContextVar[_Trace | None] = ContextVar("llama_index_trace", default=None)


class _Events(BaseEventHandler):
    """Hears where calls begin and end."""

    def handle(self, event: BaseEvent, **rest: Any) -> None:  # noqa: ARG002
        """Take the event to the question of its context."""
        if (trace := _trace.get()) is None:
            return
        if isinstance(event, _Start):
            trace.started[event.span_id or ""] = event, time.perf_counter()
        elif isinstance(event, _End):
            trace.end(event)


class _Spans(BaseSpanHandler[BaseSpan]):
    """Remembers which span lies in which."""

    def new_span(
        self,
        id_: str,
        *arguments: Any,  # noqa: ARG002 - LlamaIndex passes more than is needed
        parent_span_id: str | None = None,
        **rest: Any,  # noqa: ARG002
    ) -> None:
        """Note the span; nothing is kept open."""
        if (trace := _trace.get()) is not None:
            trace.parents[id_] = parent_span_id

    def prepare_to_exit_span(self, id_: str, *arguments: Any, **rest: Any) -> None:
        """See `new_span`."""

    def prepare_to_drop_span(self, id_: str, *arguments: Any, **rest: Any) -> None:
        """See `new_span`."""


@cache
def _listen() -> None:
    get_dispatcher().add_event_handler(_Events())
    get_dispatcher().add_span_handler(_Spans())


@contextmanager
def llama_index_calls(seen: Observation) -> Iterator[None]:
    """Add the calls of this context to the observation, whoever makes them."""
    _listen()
    token = _trace.set(_Trace(seen))
    try:
        yield
    finally:
        _trace.reset(token)


def _said(event: _End) -> str:
    if isinstance(event, LLMCompletionEndEvent):
        return event.response.text
    return event.response.message.content or "" if event.response else ""


def _sent(start: _Start) -> tuple[Message, ...]:
    tools = start.additional_kwargs.get("tools")
    sent = [Message("system", json.dumps(tools, default=str))] if tools else []
    if isinstance(start, LLMCompletionStartEvent):
        return (*sent, Message("user", start.prompt))
    return (*sent, *map(_message, start.messages))


def _message(message: ChatMessage) -> Message:
    return Message(_ROLES.get(message.role.value, "user"), message.content or "")


def _model(start: _Start) -> str:
    return str(start.model_dict.get("model") or start.model_dict.get("model_name") or "")
