"""What LlamaIndex has handed over about a model call, as ragthrift observes it. Run behind."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from llama_index.core.base.llms.types import CachePoint, ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.schema import MetadataMode, NodeWithScore

from llama_index_ragthrift.cache.endings import Ending, Said
from llama_index_ragthrift.ledger.spans import Nodes, Span, Trace
from llama_index_ragthrift.nodes import bare_text
from llama_index_ragthrift.route.calls import texts_of
from ragthrift import Message, Passage, Usage
from ragthrift.ledger import BilledTokens, read_usage
from ragthrift.ledger.lifetimes import lifetimes_in, with_lifetimes
from ragthrift.ledger.observed import Observed
from ragthrift.ledger.prompt_parts import Prompt
from ragthrift.ledger.provider_names import provider_id
from ragthrift.ledger.usage_forms import found

SESSION_TAGS = ("session", "session_id", "thread_id", "conversation_id")
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_ENGINES = ("Engine", "Agent", "Workflow")
"""How the classes end whose name says what a request is for."""
_SCHEMAS = ("tools", "functions", "response_format")


@dataclass(slots=True)
class Begun:
    """A model call from its start to its end; what may change later is copied."""

    id: str
    span: Span
    messages: Sequence[ChatMessage] | str
    options: Mapping[str, Any]
    model: Mapping[str, Any]
    """What the LLM says of itself."""
    tags: Mapping[str, Any]
    at: float = field(default_factory=time.time)
    clock: float = field(default_factory=time.perf_counter)
    first: float | None = None
    inner: int = 0
    """Calls of models inside this one, which are told by themselves."""
    raws: list[Any] = field(default_factory=list)
    """Pieces of a stream that tell usage."""
    last: Said | None = None
    streamed: bool = False
    recent: Sequence[Trace] = ()
    """What ended before, where this call has no retrieval around it."""
    trims: Sequence[tuple[Nodes, Nodes]] = field(init=False)
    """Of its trace until now: what comes later belongs to later calls."""

    def __post_init__(self) -> None:
        self.trims = tuple(self.trace.trims)

    @property
    def trace(self) -> Trace:
        """Its own, or the one whose documents it has: engines ask for a stream when it is read."""
        own = self.span.trace
        if own.found or not self.recent:
            return own
        sent = self.messages
        text = sent if isinstance(sent, str) else "\n".join(one.content or "" for one in sent)
        return next((one for one in reversed(self.recent) if _holds(text, one)), own)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a model call ended."""

    response: Said | None
    clock: float
    error: BaseException | None = None


def observed(begun: Begun, ended: Ended) -> Observed:
    """The call."""
    response = ended.response or begun.last
    provider = provider_id(str(begun.model.get("class_name") or ""))
    answer = "" if response is None else _text(response)
    trace, tags = begun.trace, begun.tags
    names = begun.span.names if trace is begun.span.trace else (*trace.names, *begun.span.names)
    return Observed(
        prompt=_prompt(begun, trace),
        answer=answer,
        billed=_lived(_billed([*begun.raws, *_told(response)], provider), begun),
        unbilled=ended.error is not None and not answer,
        model=_model(begun, response),
        provider=provider,
        request_type=str(tags.get("request_type") or "") or query_engine_in(names),
        names=names,
        metadata=tags,
        purpose=str(tags.get("purpose") or "answer"),
        at=begun.at,
        id=begun.id,
        session=session_in(tags),
        trace=trace.id,
        seconds=ended.clock - begun.clock,
        first_token_seconds=None if begun.first is None else begun.first - begun.clock,
        max_tokens=_limit(begun),
        finish_reason="" if response is None else _finish_reason(response),
        error=type(ended.error).__name__ if ended.error is not None else "",
        tags=labels_in(tags),
        trims=[(_bare(before), _bare(after)) for before, after in begun.trims],
        silent=_silence(begun, provider),
    )


def query_engine_in(names: Sequence[str]) -> str:
    """The outermost query engine, chat engine, agent or workflow.

    >>> query_engine_in(("SubQuestionQueryEngine", "RetrieverQueryEngine", "OpenAI"))
    'SubQuestionQueryEngine'
    >>> query_engine_in(("OpenAI",))
    ''
    """
    return next((name.partition(".")[0] for name in names if _is_query_engine(name)), "")


def _is_query_engine(name: str) -> bool:
    return name.partition(".")[0].endswith(_ENGINES)


def session_in(tags: Mapping[str, Any]) -> str:
    """The conversation's name among the tags."""
    return next((str(tags[name]) for name in SESSION_TAGS if tags.get(name)), "")


def labels_in(tags: Mapping[str, Any]) -> tuple[str, ...]:
    """All other tags."""
    own = ("request_type", "purpose", *SESSION_TAGS)
    return tuple(f"{name}:{value}" for name, value in tags.items() if name not in own)


def _prompt(begun: Begun, trace: Trace) -> Prompt:
    sent = begun.messages
    turns = [Message("user", sent)] if isinstance(sent, str) else texts_of(sent)
    last = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
    asked = (query.strip() for query in reversed(tuple(trace.queries)))
    return Prompt(
        messages=turns,
        tools=list(_schemas(begun.options)),
        documents=list(_documents(tuple(trace.found))),
        examples=set() if isinstance(sent, str) else set(_examples(sent)),
        question=next((query for query in asked if query and query in last), ""),
    )


def _holds(text: str, trace: Trace) -> bool:
    return any(bare_text(one.node) in text for nodes in tuple(trace.found) for one in nodes)


def _examples(messages: Sequence[ChatMessage]) -> Iterator[int]:
    for at, message in enumerate(messages):
        known = message.additional_kwargs
        if known.get("example") or str(known.get("name") or "").startswith("example"):
            yield at


def _documents(found: Sequence[Nodes]) -> Iterator[Passage]:
    """Each text once, the newest first: as it is sent, under its metadata, and bare."""
    seen: set[str] = set()
    for nodes in reversed(found):
        for scored in nodes:
            sent = scored.node.get_content(metadata_mode=MetadataMode.LLM)
            for text in (sent, bare_text(scored.node)):
                if text not in seen:
                    seen.add(text)
                    yield Passage(text, scored.node.node_id)


def _bare(nodes: Sequence[NodeWithScore]) -> list[Passage]:
    return [Passage(bare_text(one.node), one.node.node_id) for one in nodes]


def _schemas(options: Mapping[str, Any]) -> Iterator[str]:
    for name in _SCHEMAS:
        value = options.get(name)
        for schema in value if isinstance(value, list | tuple) else [value]:
            if is_dataclass(schema) and not isinstance(schema, type):
                yield json.dumps(asdict(schema), default=str)
            elif schema is not None:
                yield json.dumps(schema, default=str)


def _text(response: Said) -> str:
    """With the calls of tools, which are billed as output, too."""
    if not isinstance(response, ChatResponse):
        return response.text or ""
    calls = (block for block in response.message.blocks if isinstance(block, ToolCallBlock))
    asked = [str(call.tool_kwargs) for call in calls]
    return "\n".join([response.message.content or "", *asked])


def _told(response: Said | None) -> Iterator[Any]:
    """Where integrations put what the provider counted."""
    if response is None:
        return
    yield response.raw
    yield response.additional_kwargs
    if isinstance(response, ChatResponse):
        yield response.message.additional_kwargs


def _billed(places: Sequence[Any], provider: str) -> BilledTokens | None:
    """The most that is told of each class: the counts of a stream only grow."""
    known: BilledTokens | None = None
    for place in filter(None, places):
        # A stream of Anthropic's begins with a message that has its own.
        told = read_usage(place, provider) or read_usage(found(place, "message"), provider)
        if told is not None and told.usage.total_tokens:
            known = told if known is None else _more(known, told)
    return known


def _lived(billed: BilledTokens | None, begun: Begun) -> BilledTokens | None:
    if billed is None or not billed.usage.cache_write_tokens or isinstance(begun.messages, str):
        return billed
    blocks = [
        {"cache_control": {"ttl": block.cache_control.ttl}}
        for message in begun.messages
        for block in message.blocks
        if isinstance(block, CachePoint)
    ]
    own = [message.additional_kwargs for message in begun.messages]
    return with_lifetimes(billed, lifetimes_in([blocks, own, begun.options]))


def _more(one: BilledTokens, other: BilledTokens) -> BilledTokens:
    total = max(one.usage.input_tokens, other.usage.input_tokens)
    read = max(one.usage.cache_read_tokens, other.usage.cache_read_tokens)
    write = max(one.usage.cache_write_tokens, other.usage.cache_write_tokens)
    output = max(one.usage.output_tokens, other.usage.output_tokens)
    read = min(read, total)
    names = {**one.classes, **other.classes}
    classes = {name: max(one.classes.get(name, 0), other.classes.get(name, 0)) for name in names}
    processing = one.processing if one.processing != "standard" else other.processing
    return BilledTokens(Usage(total, output, read, min(write, total - read)), classes, processing)


def _model(begun: Begun, response: Said | None) -> str:
    raw = response.raw if response is not None else None
    told = found(raw, "model") or found(raw, "model_version") or found(raw, "message", "model")
    return str(told or begun.model.get("model_name") or begun.model.get("model") or "")


def _limit(begun: Begun) -> int | None:
    places = (begun.options, begun.span.instance)
    known = (found(place, name) for place in places for name in _LIMITS)
    return next((limit for limit in known if isinstance(limit, int) and limit > 0), None)


def _finish_reason(response: Said) -> str:
    ending = Ending()
    ending.hear(response)
    if ending.reason is None:
        return "tool_calls" if ending.tool_calls else ""
    return ending.to_fresh("").finish_reason


def _silence(begun: Begun, provider: str) -> str:
    if begun.streamed and provider == "openai":
        return 'for a stream set additional_kwargs={"stream_options": {"include_usage": True}}'
    return "its integration does not hand usage on"
