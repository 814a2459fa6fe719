"""The responses of LLMs that are called inside a call, which may itself return something else."""

from collections.abc import Callable, Generator, Iterator
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
)

from llama_index_ragthrift.cache.endings import Said
from llama_index_ragthrift.route.telling import Telling
from ragthrift import Usage
from ragthrift.types import FinishReason

T = TypeVar("T")

_HEARD: ContextVar["Hearing | None"] = ContextVar("ragthrift_heard", default=None)
_END = object()
_PIECES = (LLMChatInProgressEvent, LLMCompletionInProgressEvent)
_ENDS = (LLMChatEndEvent, LLMCompletionEndEvent)


class _Responses(BaseEventHandler):
    @classmethod
    def class_name(cls) -> str:
        return "RagthriftResponses"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        hearing = _HEARD.get()
        if hearing is None or not isinstance(event, (*_PIECES, *_ENDS)):
            return
        if event.response is not None:
            hearing.hear(event.response, ended=isinstance(event, _ENDS))


class Hearing:
    """Runs work in a context of its own, in which it hears every LLM that answers."""

    def __init__(self) -> None:
        self.responses: list[Said] = []
        """The last of each call."""
        self._told: list[Telling] = []
        self._telling = Telling()
        self._context = copy_context()
        self._context.run(_HEARD.set, self)
        root = get_dispatcher()
        if not any(isinstance(known, _Responses) for known in root.event_handlers):
            root.add_event_handler(_Responses())

    @property
    def usage(self) -> Usage | None:
        """Of all calls together; `None` if one of them does not tell."""
        known = [told.usage for told in self._told if told.usage is not None]
        return sum(known, Usage()) if known and len(known) == len(self._told) else None

    @property
    def finish_reason(self) -> FinishReason:
        """How the last call ended."""
        return self._told[-1].finish_reason if self._told else "stop"

    def hear(self, said: Said, *, ended: bool) -> None:
        """A piece of a response, or the whole."""
        self._telling.hear(said)
        # An LLM whose chat() calls its complete() tells of one call twice.
        twice = said.raw is not None and any(one.raw is said.raw for one in self.responses)
        if ended and not twice:
            self.responses.append(said)
            self._told.append(self._telling)
        if ended:
            self._telling = Telling()

    def run(self, work: Callable[[], T]) -> T:
        """What the work gives."""
        return self._context.run(work)

    def each(self, work: Callable[[], Generator[T, None, None] | Iterator[T]]) -> Iterator[T]:
        """The values that the work gives one by one; who stops early closes it."""
        source = self.run(lambda: iter(work()))
        try:
            while (value := self._context.run(next, source, _END)) is not _END:
                yield value  # type: ignore[misc]
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                self.run(close)
