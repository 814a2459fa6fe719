"""What LangChain has handed over about a model call, as ragthrift observes it. Run behind."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, ToolMessage

from langchain_ragthrift.cache.witness import found_by
from langchain_ragthrift.convert import to_passages
from langchain_ragthrift.ledger.answers import Answered, Said
from langchain_ragthrift.ledger.naming import purpose_of, request_type_of, session_of
from langchain_ragthrift.ledger.runs import Documents, Run, Shelf
from langchain_ragthrift.memory.messages import to_turns
from ragthrift import Message, Passage, RagthriftError
from ragthrift.ledger import BilledTokens
from ragthrift.ledger.lifetimes import lifetimes_in, with_lifetimes
from ragthrift.ledger.observed import Observed
from ragthrift.ledger.prompt_parts import Prompt
from ragthrift.ledger.provider_names import provider_id

_LIMITS = (
    "max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample",
    "num_predict", "max_new_tokens",
)  # fmt: skip
_SCHEMAS = ("tools", "functions", "response_format", "format")
_MODELS = ("model", "model_name", "model_id", "deployment_name")
_NO_USAGE = {
    True: "for a stream of ChatOpenAI set stream_usage=True on the model",
    False: "its integration does not hand usage on",
}


@dataclass(slots=True)
class Begun:
    """A model call from its start to its end; what may change later is copied."""

    run_id: UUID
    run: Run
    messages: Sequence[BaseMessage] | str
    params: Mapping[str, Any]
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    name: str
    recent: Sequence[Shelf]
    configurable: Mapping[str, Any]
    batch: int = 1
    at: float = field(default_factory=time.time)
    clock: float = field(default_factory=time.perf_counter)
    first: float | None = None
    retries: int = 0
    shelves: Sequence[Shelf] = field(init=False)
    trims: Sequence[tuple[Documents, Documents]] = field(init=False)
    """Of its trace until now: what comes later belongs to later calls."""

    def __post_init__(self) -> None:
        self.shelves = tuple(self.run.trace.shelves)
        self.trims = tuple(self.run.trace.trims)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a model call ended."""

    answers: Sequence[Sequence[Said]]
    output: Mapping[str, Any]
    """What the model's class tells of the whole batch."""
    clock: float
    error: BaseException | None = None


def observed(begun: Begun, ended: Ended) -> Observed:
    """The call."""
    metadata = begun.metadata
    named = str(metadata.get("ls_provider") or "")
    answered = Answered.of(ended.answers, ended.output, provider_id(named))
    provider = answered.provider or provider_id(named)
    said_something = bool(answered.text) or begun.first is not None
    return Observed(
        prompt=_prompt(begun),
        answer=answered.text,
        billed=_lived(answered.billed, begun),
        whole=begun.batch == 1 or not isinstance(begun.messages, str),
        unbilled=ended.error is not None and not said_something,
        model=answered.model
        or _first(metadata, ("ls_model_name",))
        or _first(begun.params, _MODELS),
        provider=provider,
        answered_by_cache=answered.by_cache,
        request_type=request_type_of(metadata, begun.tags, (*begun.run.names, begun.name)),
        names=(*begun.run.names, begun.name) if begun.name else begun.run.names,
        metadata=metadata,
        purpose=purpose_of(metadata, begun.tags),
        at=begun.at,
        id=begun.run_id.hex,
        session=session_of(metadata, begun.configurable),
        trace=begun.run.trace.id or begun.run_id.hex,
        seconds=ended.clock - begun.clock,
        first_token_seconds=None if begun.first is None else begun.first - begun.clock,
        max_tokens=_limit(begun),
        finish_reason=answered.finish_reason,
        retries=begun.retries + any(tag.startswith("retry:attempt:") for tag in begun.tags),
        error=type(ended.error).__name__ if ended.error is not None else "",
        tags=begun.tags,
        trims=_trims(begun),
        silent=_NO_USAGE[begun.first is not None],
    )


def _lived(billed: BilledTokens | None, begun: Begun) -> BilledTokens | None:
    if billed is None or not billed.usage.cache_write_tokens:
        return billed
    sent = begun.messages
    blocks = [] if isinstance(sent, str) else [one.content for one in sent]
    return with_lifetimes(billed, lifetimes_in([blocks, begun.params]))


def _prompt(begun: Begun) -> Prompt:
    documents = _documents(begun)
    queries = [shelf.query for shelf in begun.shelves if shelf.query]
    if isinstance(begun.messages, str):
        return Prompt(
            messages=[Message("user", begun.messages)],
            documents=documents,
            question=_said_in(begun.messages, queries),
        )
    turns = [_turn(message) for message in begun.messages]
    last = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
    return Prompt(
        messages=turns,
        tools=list(_schemas(begun.params)),
        documents=documents,
        examples={at for at, one in enumerate(begun.messages) if _is_example(one)},
        question=_said_in(last, queries),
    )


def _turn(message: BaseMessage) -> Message:
    try:
        return to_turns([message])[0]
    except RagthriftError:  # of a kind that has no role, such as a function's
        return Message("user", str(message.text))


def _is_example(message: BaseMessage) -> bool:
    """Marked as OpenAI does by a name, or as LangChain did by a field."""
    named = (message.name or "").startswith("example")
    return named or bool(message.additional_kwargs.get("example"))


def _said_in(text: str, queries: Sequence[str]) -> str:
    """The query that a template was filled in with."""
    return next((query.strip() for query in queries if query.strip() and query in text), "")


def _schemas(params: Mapping[str, Any]) -> Iterator[str]:
    for name in _SCHEMAS:
        value = params.get(name)
        for schema in value if isinstance(value, list | tuple) else [value]:
            if isinstance(schema, Mapping):
                yield json.dumps(schema, default=str)
            elif schema is not None and name != "format":
                yield str(schema)


def _documents(begun: Begun) -> list[Passage]:
    """What was retrieved in the trace, lies in tools' messages, or was retrieved shortly before."""
    found: dict[str, Document] = {}
    for shelf in reversed(begun.shelves):
        found.update((one.page_content, one) for one in shelf.documents)
    if not isinstance(begun.messages, str):
        for message in begun.messages:
            shelved = found_by(message) if isinstance(message, ToolMessage) else None
            found.update((one.page_content, one) for one in shelved or ())
    if not found:
        found.update((one.page_content, one) for shelf in begun.recent for one in shelf.documents)
    return to_passages(list(found.values()))


def _trims(begun: Begun) -> list[tuple[list[Passage], list[Passage]]]:
    return [(to_passages(before), to_passages(after)) for before, after in begun.trims]


def _limit(begun: Begun) -> int | None:
    known = (begun.params.get(name) for name in _LIMITS)
    told = next((limit for limit in known if isinstance(limit, int)), None)
    limit = begun.metadata.get("ls_max_tokens") if told is None else told
    return limit if isinstance(limit, int) and limit > 0 else None


def _first(known: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((str(known[name]) for name in names if known.get(name)), "")
