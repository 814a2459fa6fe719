"""A prompt of any framework as named sections, in the order in which a provider reads them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragthrift.errors import InputError
from ragthrift.ledger import Kind
from ragthrift.prompt.parts import Prompt, canonical_json

_SYSTEM = frozenset({"system", "developer"})
_USER = frozenset({"user", "human"})


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a prompt with a name for people."""

    name: str
    kind: Kind
    text: str
    raw: Any = None
    """Of tools: their JSON as it is sent."""


def sections_of(prompt: Any) -> tuple[Section, ...]:
    """Read a prompt: a text, a `Prompt`, messages, or the JSON of a request.

    Messages are ragthrift's, LangChain's (or a prompt value), LlamaIndex's, or JSON. The last
    message of a user is the question; blocks of content are sections of their own.

    >>> request = {"tools": [{"name": "menu"}], "messages": [{"role": "user", "content": "Soup?"}]}
    >>> [(section.name, section.kind) for section in sections_of(request)]
    [('tools', 'tools'), ('message 1 (user)', 'question')]
    """
    if isinstance(prompt, str):
        return (Section("prompt", "other", prompt),)
    if isinstance(prompt, Prompt):
        return tuple(_laid_out(prompt))
    if isinstance(prompt, Mapping):
        return tuple(_requested(prompt))
    if hasattr(prompt, "to_messages"):
        prompt = prompt.to_messages()
    if isinstance(prompt, Sequence):
        return tuple(_messages(prompt))
    raise InputError(
        f"{type(prompt).__name__} is no prompt; give a text, messages, the JSON of a request, or "
        "what PromptLayout.arrange returns"
    )


def _laid_out(prompt: Prompt) -> Iterator[Section]:
    if prompt.tools:
        tools = [{"name": t.name, "parameters": t.parameters} for t in prompt.tools]
        yield _tools(tools)
    for number, piece in enumerate(prompt.pieces, 1):
        yield Section(f"{piece.kind} ({piece.role}, part {number})", piece.kind, piece.text)


def _requested(request: Mapping[str, Any]) -> Iterator[Section]:
    tools = request.get("tools") or (request.get("toolConfig") or {}).get("tools")
    if tools:
        yield _tools(tools)
    if request.get("system"):
        for text in _texts(request["system"]):
            yield Section("system", "system", text)
    yield from _messages(request.get("messages") or request.get("input") or ())


def _tools(tools: Sequence[Any]) -> Section:
    return Section("tools", "tools", "\n".join(_as_sent(tool) for tool in tools), list(tools))


def _as_sent(tool: Any) -> str:
    import json

    return json.dumps(tool, ensure_ascii=False, default=str)


def _messages(messages: Sequence[Any]) -> Iterator[Section]:
    if isinstance(messages, str):
        yield Section("message 1 (user)", "question", messages)
        return
    roles = [_role(message) for message in messages]
    asked = max((n for n, role in enumerate(roles) if role in _USER), default=-1)
    for place, (message, role) in enumerate(zip(messages, roles, strict=True)):
        kind: Kind = "history"
        if role in _SYSTEM:
            kind = "system"
        elif place == asked and not any(r in _USER for r in roles[place + 1 :]):
            kind = "question"
        for text in _texts(_content(message)):
            yield Section(f"message {place + 1} ({role})", kind, text)
        calls = _found(message, "tool_calls")
        if calls:
            yield Section(f"message {place + 1} (tool calls)", kind, canonical_json(calls))


def _role(message: Any) -> str:
    role = _found(message, "role") or _found(message, "type") or "user"
    return str(getattr(role, "value", role))


def _content(message: Any) -> Any:
    blocks = getattr(message, "blocks", None)
    return _found(message, "content") if blocks is None else blocks


def _texts(content: Any) -> Iterator[str]:
    """The texts of a content that is one, or blocks; a marker has none."""
    if isinstance(content, str):
        yield content
        return
    for block in content or ():
        text = block if isinstance(block, str) else _found(block, "text")
        if isinstance(text, str) and text:
            yield text


def _found(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
