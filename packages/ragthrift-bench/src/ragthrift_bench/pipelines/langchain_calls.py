"""The calls that LangChain's models get, by callback."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook

from ragthrift import Message, ToolCall
from ragthrift.types import Role
from ragthrift_bench.attempts import Call
from ragthrift_bench.models.reported import langchain_usage
from ragthrift_bench.observation import Observation

_ROLES: Mapping[str, Role] = {"system": "system", "ai": "assistant", "tool": "tool"}
"""Everything else is the user's."""


class _Listener(BaseCallbackHandler):
    """Adds every call to an observation; an answer from LangChain's own cache is no call."""

    raise_error = True
    run_inline = True

    def __init__(self, seen: Observation) -> None:
        self._seen = seen
        self._open: dict[UUID, tuple[tuple[Message, ...], float]] = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain passes more than is needed
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **rest: Any,
    ) -> None:
        """Keep what is sent, with the tools that go along."""
        tools = (rest.get("invocation_params") or {}).get("tools")
        sent = [Message("system", json.dumps(tools, default=str))] if tools else []
        sent += [_message(message) for message in messages[0]]
        self._open[run_id] = tuple(sent), time.perf_counter()

    def on_llm_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        prompts: list[str],
        *,
        run_id: UUID,
        **rest: Any,  # noqa: ARG002
    ) -> None:
        """The same for a model that takes a text."""
        self._open[run_id] = (Message("user", prompts[0]),), time.perf_counter()

    def on_llm_end(
        self,
        response: LLMResult,
        *,
        run_id: UUID,
        **rest: Any,  # noqa: ARG002
    ) -> None:
        """See the call."""
        sent, started = self._open.pop(run_id)
        made = response.generations[0][0]
        message = made.message if isinstance(made, ChatGeneration) else None
        if isinstance(message, AIMessage) and _from_cache(message):
            return
        reported = langchain_usage(message) if isinstance(message, AIMessage) else None
        seconds = time.perf_counter() - started
        said = _spoken(message) if message else made.text
        self._seen.add(Call(sent, said, _model(message, response), reported, seconds), seconds)


_listener: ContextVar[_Listener | None] = ContextVar("langchain_listener", default=None)
register_configure_hook(_listener, inheritable=True)


@contextmanager
def langchain_calls(seen: Observation) -> Iterator[None]:
    """Add the calls of this context to the observation, whoever makes them."""
    token = _listener.set(_Listener(seen))
    try:
        yield
    finally:
        _listener.reset(token)


def _message(message: BaseMessage) -> Message:
    calls = getattr(message, "tool_calls", ())
    return Message(
        _ROLES.get(message.type, "user"),
        message.text,
        tuple(ToolCall(call["id"] or "", call["name"], json.dumps(call["args"])) for call in calls),
        getattr(message, "tool_call_id", None),
    )


def _spoken(message: BaseMessage) -> str:
    """The answer with the tool calls in it, which are billed as output too."""
    asked: Sequence[Mapping[str, Any]] = getattr(message, "tool_calls", ())
    calls = [json.dumps({"name": call["name"], "arguments": call["args"]}) for call in asked]
    return "\n".join([*filter(None, [message.text]), *calls])


def _from_cache(message: AIMessage) -> bool:
    """LangChain marks what its cache serves by a cost of 0, and by nothing else."""
    usage: Mapping[str, Any] = message.usage_metadata or {}
    return usage.get("total_cost") == 0


def _model(message: BaseMessage | None, response: LLMResult) -> str:
    said = message.response_metadata.get("model_name") if message else None
    return str(said or (response.llm_output or {}).get("model_name") or "")
