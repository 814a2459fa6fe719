"""Answers that a cache gave, for which no LLM tells anything."""

from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.dispatcher import (  # type: ignore[attr-defined]
    active_instrument_tags,
)
from llama_index.core.instrumentation.events import BaseEvent

from llama_index_ragthrift.ledger.reading import labels_in, query_engine_in, session_in
from llama_index_ragthrift.ledger.spans import Span
from ragthrift import Message
from ragthrift.ledger.observed import Observed
from ragthrift.ledger.prompt_parts import Prompt


class CacheAnswerEvent(BaseEvent):
    """An answer that was not made anew."""

    question: str
    answer: str

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex knows the class by."""
        return "CacheAnswerEvent"


def tell_hit(question: str, answer: str) -> None:
    """Tell whoever records, and nobody else: for LlamaIndex no model was called."""
    from llama_index_ragthrift.ledger.events import LedgerEvents

    listening = [one for one in get_dispatcher().event_handlers if isinstance(one, LedgerEvents)]
    if listening:
        tags = dict(active_instrument_tags.get())
        event = CacheAnswerEvent(question=question, answer=answer, tags=tags)
        for one in listening:
            one.handle(event)


def observed_hit(event: CacheAnswerEvent, span: Span) -> list[Observed]:
    """The call that was not made; its tokens are those of the last one of its request type."""
    asked = event.question
    return [
        Observed(
            prompt=Prompt(messages=[Message("user", asked)], question=asked),
            answer=event.answer,
            answered_by_cache=True,
            request_type=str(event.tags.get("request_type") or "") or query_engine_in(span.names),
            names=span.names,
            metadata=event.tags,
            at=event.timestamp.timestamp(),
            session=session_in(event.tags),
            trace=span.trace.id,
            tags=labels_in(event.tags),
        )
    ]
