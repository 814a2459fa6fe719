"""How a tier's model is asked: for a message, in the events of a stream, or for an object."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    message_chunk_to_message,
)
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_ragthrift.route.attempts import attempt_of, marked
from langchain_ragthrift.route.calls import schema_of, tool_schemas
from langchain_ragthrift.route.provider_markers import Markers
from ragthrift.route import Attempt, Piece, Routed


@dataclass(frozen=True)
class Tools:
    """Tools as they were bound to the router: each model gets them in its own form."""

    tools: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def schemas(self) -> dict[str, Mapping[str, object]]:
        """By name, what the router checks calls against."""
        return tool_schemas(self.tools)

    @cached_property
    def schema(self) -> dict[str, Any] | None:
        """What a text must fit, where the provider is to write JSON."""
        asked = self.options.get("response_format")
        return schema_of(asked) if asked and schema_like(asked) else None

    def on(self, model: BaseChatModel, markers: Markers) -> Runnable[Any, AIMessage]:
        """A model with the tools."""
        if not self.tools and not self.options:
            return model
        options = markers.settings(self.options, model)
        return model.bind_tools(markers.tools(self.tools, model), **options)


def schema_like(asked: Any) -> bool:
    """Whether a response format tells a schema, and not only that JSON is wanted."""
    return not isinstance(asked, dict) or asked.get("type") not in ("json_object", "text")


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes to one model."""

    model: BaseChatModel
    messages: list[BaseMessage]
    config: RunnableConfig
    options: Mapping[str, Any]


class Form(Protocol):
    """What a call gives; `raw` is the framework's own, which comes out of the router again."""

    @property
    def schemas(self) -> Mapping[str, Mapping[str, object]]:
        """Tools that may be called."""
        ...

    @property
    def schema(self) -> Mapping[str, object] | None:
        """What the text must fit."""
        ...

    def whole(self, sent: Sent) -> Attempt:
        """Ask."""
        ...

    async def awhole(self, sent: Sent) -> Attempt:
        """Ask."""
        ...

    def parts(self, sent: Sent) -> Iterator[Piece | Attempt]:
        """Ask in pieces."""
        ...

    def aparts(self, sent: Sent) -> AsyncIterator[Piece | Attempt]:
        """Ask in pieces."""
        ...

    def ends(self, raw: Any) -> bool:
        """Whether a piece is the last, on which the routing is written."""
        ...

    def marked(self, raw: Any, routed: Routed) -> Any:
        """An answer, or its last piece, with the routing."""
        ...


@dataclass(frozen=True)
class MessageForm:
    """A chat model's own: messages, and chunks of them."""

    tools: Tools
    markers: Markers

    @property
    def schemas(self) -> Mapping[str, Mapping[str, object]]:
        """Of the tools."""
        return self.tools.schemas

    @property
    def schema(self) -> Mapping[str, object] | None:
        """Of the response format."""
        return self.tools.schema

    def whole(self, sent: Sent) -> Attempt:
        """Invoke."""
        return attempt_of(self._on(sent).invoke(sent.messages, sent.config, **sent.options))

    async def awhole(self, sent: Sent) -> Attempt:
        """Await."""
        message = await self._on(sent).ainvoke(sent.messages, sent.config, **sent.options)
        return attempt_of(message)

    def parts(self, sent: Sent) -> Iterator[Piece | Attempt]:
        """Stream."""
        said = Said()
        for chunk in self._on(sent).stream(sent.messages, sent.config, **sent.options):
            yield from said.more(chunk)
        yield from said.end()

    async def aparts(self, sent: Sent) -> AsyncIterator[Piece | Attempt]:
        """Stream."""
        said = Said()
        async for chunk in self._on(sent).astream(sent.messages, sent.config, **sent.options):
            for piece in said.more(chunk):
                yield piece
        for part in said.end():
            yield part

    def ends(self, raw: Any) -> bool:
        """A model that does not stream gives a message and no chunk."""
        return not isinstance(raw, AIMessageChunk) or raw.chunk_position == "last"

    def marked(self, raw: Any, routed: Routed) -> Any:
        """A copy: a cache may hold the message."""
        return marked(raw, routed)

    def _on(self, sent: Sent) -> Runnable[Any, AIMessage]:
        return self.tools.on(sent.model, self.markers)


class Said:
    """The chunks of a stream: those before the first word wait for it.

    A stream that fails before it said anything can be replaced.
    """

    def __init__(self) -> None:
        self._waiting: list[AIMessage] | None = []
        self._whole: Any = None

    def more(self, chunk: AIMessage) -> Iterator[Piece]:
        """Pieces that may leave."""
        together = self._whole is not None and isinstance(chunk, AIMessageChunk)
        self._whole = self._whole + chunk if together else chunk
        if self._waiting is None:
            yield _piece(chunk)
            return
        self._waiting.append(chunk)
        if chunk.content or getattr(chunk, "tool_call_chunks", None) or chunk.tool_calls:
            waiting, self._waiting = self._waiting, None
            yield from map(_piece, waiting)

    def end(self) -> Iterator[Piece | Attempt]:
        """What still waits, and the whole."""
        yield from map(_piece, self._waiting or ())
        if self._whole is None:
            yield Attempt("")
            return
        whole = self._whole
        if isinstance(whole, AIMessageChunk):
            whole = message_chunk_to_message(whole)
        yield attempt_of(whole)


def _piece(chunk: AIMessage) -> Piece:
    return Piece(str(chunk.text), chunk)
