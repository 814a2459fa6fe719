"""The events of a model's stream (`stream_events(version="v3")`) through a router."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage

from langchain_ragthrift.route.attempts import ROUTING, attempt_of
from langchain_ragthrift.route.forms import MessageForm, Sent
from ragthrift.route import Attempt, Piece, Routed, record_of

if TYPE_CHECKING:
    from langchain_core.language_models.chat_model_stream import (
        AsyncChatModelStream,
        ChatModelStream,
    )

_FINISH = "message-finish"


class EventForm(MessageForm):
    """The same models, asked for the events of their streams."""

    def parts(self, sent: Sent) -> Iterator[Piece | Attempt]:
        """Stream."""
        source: Any = self._on(sent)
        events = source.stream_events(sent.messages, sent.config, version="v3", **sent.options)
        waiting: list[Any] | None = []
        for event in events:
            waiting, ready = _opened(waiting, event)
            yield from map(_piece, ready)
        yield from map(_piece, waiting or ())
        yield _end(events.output)

    async def aparts(self, sent: Sent) -> AsyncIterator[Piece | Attempt]:
        """Stream."""
        source: Any = self._on(sent)
        events = await source.astream_events(
            sent.messages, sent.config, version="v3", **sent.options
        )
        waiting: list[Any] | None = []
        async with events:
            async for event in events:
                waiting, ready = _opened(waiting, event)
                for one in ready:
                    yield _piece(one)
            for one in waiting or ():
                yield _piece(one)
            yield _end(await events)

    def ends(self, raw: Any) -> bool:
        """The last event."""
        return isinstance(raw, dict) and raw.get("event") == _FINISH

    def marked(self, raw: Any, routed: Routed) -> Any:
        """The last event with the routing in its metadata, which becomes the message's."""
        if isinstance(raw, AIMessage):
            return super().marked(raw, routed)
        return {**raw, "metadata": {**(raw.get("metadata") or {}), ROUTING: record_of(routed)}}


def _opened(waiting: list[Any] | None, event: Any) -> tuple[list[Any] | None, list[Any]]:
    """Hold events back until one says something: until then another tier can take over."""
    if waiting is None:
        return None, [event]
    if event.get("event") == "content-block-delta":
        return None, [*waiting, event]
    return [*waiting, event], []


def _piece(event: Any) -> Piece:
    delta = event.get("delta") or {}
    text = delta.get("text", "") if delta.get("type") == "text-delta" else ""
    return Piece(text, event)


def _end(message: AIMessage) -> Attempt:
    return attempt_of(message)


def pulled(events: Iterator[Any]) -> "ChatModelStream":
    """Events as the stream that LangChain gives; each is made when it is asked for."""
    from langchain_core.language_models.chat_model_stream import ChatModelStream

    stream = ChatModelStream()

    def pull() -> bool:
        try:
            stream.dispatch(next(events))
        except StopIteration:
            _finish(stream)
            return False
        except BaseException as error:  # noqa: BLE001 - the stream raises it where it is read
            stream.fail(error)
            return False
        return True

    stream.bind_pump(pull)
    return stream


def pushed(events: AsyncIterator[Any]) -> "AsyncChatModelStream":
    """The same on the event loop, where a task reads them once somebody wants one."""
    from langchain_core.language_models.chat_model_stream import AsyncChatModelStream

    stream = AsyncChatModelStream()

    async def push() -> None:
        try:
            async with aclosing(events) as source:  # type: ignore[type-var]
                async for event in source:
                    stream.dispatch(event)
            _finish(stream)
        except asyncio.CancelledError as error:
            stream.fail(error)
            raise
        except BaseException as error:  # noqa: BLE001 - the stream raises it where it is read
            stream.fail(error)

    async def start() -> None:
        if stream._producer_task is None:
            stream._producer_task = asyncio.get_running_loop().create_task(push())

    stream.set_start(start)
    return stream


def _finish(stream: "ChatModelStream | AsyncChatModelStream") -> None:
    if not stream.done:
        stream.fail(ValueError("the stream ended without its last event"))
