"""Watches LlamaIndex's events and puts every model call into a ledger."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
    LLMCompletionStartEvent,
)
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.instrumentation.events.retrieval import RetrievalEndEvent
from llama_index.core.schema import QueryBundle

from llama_index_ragthrift.cache.endings import Said
from llama_index_ragthrift.ledger.hits import CacheAnswerEvent, observed_hit
from llama_index_ragthrift.ledger.reading import Begun, Ended, observed
from llama_index_ragthrift.ledger.spans import MOST_OPEN, Nodes, OpenSpans, trimmed
from ragthrift.ledger import Recorder
from ragthrift.ledger.recorder import Records

Start = LLMChatStartEvent | LLMCompletionStartEvent
Piece = LLMChatInProgressEvent | LLMCompletionInProgressEvent
End = LLMChatEndEvent | LLMCompletionEndEvent


class LedgerEvents(BaseEventHandler):
    """One `Call` in the ledger for each call of an LLM, whoever makes it in this process.

    What runs while an answer is awaited only notes; reading, counting and hashing are the
    recorder's, behind. An LLM that calls another, or its own other method, is not counted besides.

    >>> from llama_index.core.llms import MockLLM
    >>> calls = []
    >>> class Kept:
    ...     record = staticmethod(calls.append)
    >>> events = LedgerEvents(Kept()).install()
    >>> said = MockLLM(max_tokens=2).complete("When is soup?")
    >>> events.recorder.flush(), calls[0].measured, calls[0].max_tokens
    (True, False, 2)
    >>> events.uninstall()
    """

    _recorder: Recorder = PrivateAttr()
    _spans: OpenSpans = PrivateAttr()
    _calls: dict[str, Begun] = PrivateAttr(default_factory=dict)
    _reranking: dict[str, Nodes] = PrivateAttr(default_factory=dict)
    _hear: dict[type[BaseEvent], Callable[[Any], None]] = PrivateAttr()

    def __init__(self, ledger: Records | Recorder) -> None:
        super().__init__()
        self._recorder = Recorder.of(ledger)
        self._spans = OpenSpans(self._dropped)
        self._hear = {
            LLMChatStartEvent: self._begun,
            LLMCompletionStartEvent: self._begun,
            LLMChatInProgressEvent: self._piece,
            LLMCompletionInProgressEvent: self._piece,
            LLMChatEndEvent: self._ended,
            LLMCompletionEndEvent: self._ended,
            ExceptionEvent: self._broken,
            RetrievalEndEvent: self._retrieved,
            ReRankStartEvent: self._ranking,
            ReRankEndEvent: self._ranked,
            CacheAnswerEvent: self._answered,
        }

    @property
    def recorder(self) -> Recorder:
        """What makes and keeps the calls."""
        return self._recorder

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex knows the class by."""
        return "LedgerEvents"

    def install(self) -> Self:
        """Listen to all that runs in this process."""
        root = get_dispatcher()
        if not any(known is self for known in root.event_handlers):
            root.add_event_handler(self)
            root.add_span_handler(self._spans)
        return self

    def uninstall(self) -> None:
        """Listen no more, and wait until all is recorded."""
        root = get_dispatcher()
        root.event_handlers = [one for one in root.event_handlers if one is not self]
        root.span_handlers = [one for one in root.span_handlers if one is not self._spans]
        self._recorder.flush()

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Note an event, if it is about a model or what was retrieved for it."""
        hear = self._hear.get(type(event))
        if hear is not None:
            with self._recorder.tally.passing("events"):
                hear(event)

    def _begun(self, event: Start) -> None:
        span_id = event.span_id or ""
        begun = Begun(
            event.id_,
            self._spans.around(span_id),
            tuple(event.messages) if isinstance(event, LLMChatStartEvent) else event.prompt,
            event.additional_kwargs,
            event.model_dict,
            dict(event.tags),
            recent=tuple(self._spans.recent),
        )
        for above in self._spans.above(begun.span.parent_id):
            outer = self._calls.get(above)
            if outer is not None:
                outer.inner += 1
                if (
                    isinstance(begun.messages, str) and outer.inner == 1
                ):  # the same prompt, which was written as one text
                    begun.messages = outer.messages
                break
        self._calls[span_id] = begun
        if len(self._calls) > MOST_OPEN:
            self._calls.pop(next(iter(self._calls)), None)

    def _piece(self, event: Piece) -> None:
        begun = self._calls.get(event.span_id or "")
        if begun is None:
            return
        begun.streamed, begun.last = True, event.response
        if begun.first is None and event.response.delta:
            begun.first = time.perf_counter()
        if _tells_usage(event.response.raw):
            begun.raws.append(event.response.raw)

    def _ended(self, event: End) -> None:
        self._record(event.span_id or "", event.response, None)

    def _broken(self, event: ExceptionEvent) -> None:
        self._record(event.span_id or "", None, event.exception)

    def _dropped(self, span_id: str, error: BaseException | None) -> None:
        with self._recorder.tally.passing("events"):
            self._record(span_id, None, error or RuntimeError("dropped"))

    def _record(self, span_id: str, response: Said | None, error: BaseException | None) -> None:
        begun = self._calls.pop(span_id, None)
        if begun is not None and not begun.inner:
            ended = Ended(response, time.perf_counter(), error)
            self._recorder.put(lambda: [observed(begun, ended)])

    def _retrieved(self, event: RetrievalEndEvent) -> None:
        trace, query = self._spans.around(event.span_id).trace, event.str_or_query_bundle
        trace.queries.append(query.query_str if isinstance(query, QueryBundle) else query)
        trace.found.append(tuple(event.nodes))

    def _ranking(self, event: ReRankStartEvent) -> None:
        if self._spans.around(event.span_id).given is None:  # a postprocessor's span tells it
            self._reranking[event.span_id or ""] = tuple(event.nodes)

    def _ranked(self, event: ReRankEndEvent) -> None:
        before = self._reranking.pop(event.span_id or "", None)
        if before is not None:
            trimmed(self._spans.around(event.span_id).trace, before, event.nodes)

    def _answered(self, event: CacheAnswerEvent) -> None:
        self._recorder.put(partial(observed_hit, event, self._spans.around(event.span_id)))


@contextmanager
def audit(ledger: Records | Recorder) -> Iterator[Recorder]:
    """Record every model call in this process while the block runs; gives the recorder.

    >>> from llama_index.core.llms import MockLLM
    >>> calls = []
    >>> class Kept:
    ...     record = staticmethod(calls.append)
    >>> with audit(Kept()) as recorder:
    ...     said = MockLLM().complete("When is soup?")
    >>> len(calls), recorder.failures
    (1, {})
    """
    events = LedgerEvents(ledger).install()
    try:
        yield events.recorder
    finally:
        events.uninstall()


def _tells_usage(raw: Any) -> bool:
    """Whether a piece of a stream may tell what was used."""
    if isinstance(raw, Mapping):
        return bool(raw.get("usage") or raw.get("usage_metadata") or raw.get("message"))
    return bool(getattr(raw, "usage", None) or getattr(raw, "usage_metadata", None))
