"""Tells a ledger what runs do not show: answers of our caches, and what our middleware trims."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables import RunnableConfig

from langchain_ragthrift.ledger.naming import request_type_of, session_of
from langchain_ragthrift.ledger.runs import Documents, Run
from ragthrift import Message
from ragthrift.ledger.observed import Observed
from ragthrift.ledger.prompt_parts import Prompt

if TYPE_CHECKING:
    from langchain_ragthrift.ledger.callback import LedgerCallback


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer of a cache."""

    question: str
    answer: str
    parent_run_id: UUID | None
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    configurable: Mapping[str, Any]
    at: float = field(default_factory=time.time)


def tell_hit(config: RunnableConfig, question: str, answer: str) -> None:
    """Tell whoever records the run that a config belongs to."""
    callbacks = config.get("callbacks")
    listening = list(_recording(callbacks))
    if not listening:
        return
    hit = Hit(
        question,
        answer,
        _parent(callbacks),
        tuple(config.get("tags") or ()),
        dict(config.get("metadata") or {}),
        dict(config.get("configurable") or {}),
    )
    for one in listening:
        one.answered_by_cache(hit)


def tell_trim(config: RunnableConfig, before: Documents, after: Documents) -> None:
    """Tell of documents that were dropped or shortened on their way into a prompt."""
    callbacks = config.get("callbacks")
    for one in _recording(callbacks):
        one.trimmed(_parent(callbacks), before, after)


def _parent(callbacks: Any) -> UUID | None:
    return callbacks.parent_run_id if isinstance(callbacks, BaseCallbackManager) else None


def _recording(callbacks: Any) -> Iterator["LedgerCallback"]:
    from langchain_ragthrift.ledger.callback import LedgerCallback

    given: Sequence[Any] = getattr(callbacks, "handlers", callbacks) or ()
    yield from (one for one in given if isinstance(one, LedgerCallback))


def observed_hit(hit: Hit, around: Run) -> list[Observed]:
    """The call that was not made; its tokens are those of the last one of its request type."""
    return [
        Observed(
            prompt=Prompt(messages=[Message("user", hit.question)], question=hit.question),
            answer=hit.answer,
            answered_by_cache=True,
            request_type=request_type_of(hit.metadata, hit.tags, around.names),
            names=around.names,
            metadata=hit.metadata,
            at=hit.at,
            session=session_of(hit.metadata, hit.configurable),
            trace=around.trace.id,
            tags=hit.tags,
        )
    ]
