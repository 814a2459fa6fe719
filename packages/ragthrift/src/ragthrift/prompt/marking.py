"""A prompt as the arguments of a provider's own client, with its cache markers."""

import json
from collections.abc import Sequence
from typing import Any

from ragthrift.prompt.parts import Piece, Prompt
from ragthrift.provider_cache import CacheRules, call_markers, with_cache_markers
from ragthrift.types import Message, Tool, ToolCall


def to_request(prompt: Prompt, rules: CacheRules, *, key: str = "") -> dict[str, Any]:
    """Messages, tools and cache settings in the form of the provider that `rules` are for.

    Anthropic's `messages.create`, Bedrock's `converse`, and OpenAI's chat completions, which every
    other provider's server understands, too. For Gemini's explicit `CachedContent` see the guide:
    it is an object that you create, keep and pay rent for, not a marker.

    >>> from ragthrift.prompt import PromptLayout, PromptParts
    >>> from ragthrift.provider_cache import rules_for
    >>> rules = rules_for("claude-sonnet-4-5")
    >>> parts = PromptParts(system="Be brief. " * 1000, question="Is there soup?")
    >>> request = to_request(PromptLayout(rules).arrange(parts), rules)
    >>> request["system"][0]["cache_control"], request["messages"][0]["content"][0]["text"]
    ({'type': 'ephemeral'}, 'Is there soup?')
    """
    groups = _blocks(prompt, rules)
    if rules.style == "cachePoint":
        return _bedrock(prompt, rules, groups)
    if rules.style == "cache_control":
        return _anthropic(prompt, rules, groups)
    messages = [_openai(pieces, blocks) for pieces, blocks in groups]
    request: dict[str, Any] = {"messages": messages, **call_markers(rules, key=key)}
    if prompt.tools:
        request["tools"] = [{"type": "function", "function": _named(t)} for t in prompt.tools]
    return request


_Groups = list[tuple[Sequence[Piece], list[dict[str, Any]]]]


def _blocks(prompt: Prompt, rules: CacheRules) -> _Groups:
    """Each message's pieces and content blocks, marked where the plan says so."""
    marks, place = prompt.marked_pieces(), 0
    found: _Groups = []
    for pieces in prompt.grouped():
        texts = [{"type": "text", "text": piece.text} for piece in pieces]
        if rules.style == "cachePoint":
            texts = [{"text": piece.text} for piece in pieces]
        ends = [n for n in range(len(pieces)) if place + n in marks]
        lifetime = marks[place + ends[-1]] if ends else ""
        found.append((pieces, with_cache_markers(texts, ends, rules, lifetime)))
        place += len(pieces)
    return found


def _anthropic(prompt: Prompt, rules: CacheRules, groups: _Groups) -> dict[str, Any]:
    request = _apart(groups)
    for message, (pieces, _) in zip(request["messages"], _talk(groups), strict=True):
        _add_anthropic_tools(message, pieces[0].turn)
    if prompt.tools:
        tools = [
            {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)}
            for t in prompt.tools
        ]
        request["tools"] = _marked_tools(prompt, rules, tools)
    return request


def _bedrock(prompt: Prompt, rules: CacheRules, groups: _Groups) -> dict[str, Any]:
    request = _apart(groups)
    for message, (pieces, _) in zip(request["messages"], _talk(groups), strict=True):
        _add_bedrock_tools(message, pieces[0].turn)
    if prompt.tools:
        tools = [
            {
                "toolSpec": {
                    "name": t.name,
                    "description": t.description,
                    "inputSchema": {"json": dict(t.parameters)},
                }
            }
            for t in prompt.tools
        ]
        request["toolConfig"] = {"tools": _marked_tools(prompt, rules, tools)}
    return request


def _marked_tools(
    prompt: Prompt, rules: CacheRules, tools: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """With a marker after the last, where the plan has a breakpoint there."""
    mark = next((mark for mark in prompt.plan.breakpoints if mark.after == 1), None)
    if mark is None:
        return tools
    return with_cache_markers(tools, [len(tools) - 1], rules, mark.lifetime)


def _apart(groups: _Groups) -> dict[str, Any]:
    """The system's blocks, and the other messages."""
    system = [block for pieces, blocks in groups if pieces[0].role == "system" for block in blocks]
    messages = [
        {"role": "assistant" if pieces[0].role == "assistant" else "user", "content": blocks}
        for pieces, blocks in _talk(groups)
    ]
    return {"messages": messages} | ({"system": system} if system else {})


def _talk(groups: _Groups) -> _Groups:
    return [group for group in groups if group[0][0].role != "system"]


def _add_anthropic_tools(message: dict[str, Any], turn: Message | None) -> None:
    if turn is None:
        return
    blocks = message["content"]
    if turn.role == "tool":
        marks = {key: value for key, value in blocks[0].items() if key == "cache_control"}
        result = {"type": "tool_result", "tool_use_id": turn.tool_call_id, "content": turn.content}
        message["content"] = [result | marks]
        return
    uses = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": _arguments(call)}
        for call in turn.tool_calls
    ]
    _put_before_marks(message, uses)


def _add_bedrock_tools(message: dict[str, Any], turn: Message | None) -> None:
    if turn is None:
        return
    blocks = message["content"]
    if turn.role == "tool":
        text, *marks = blocks
        result = {"toolUseId": turn.tool_call_id, "content": [text]}
        message["content"] = [{"toolResult": result}, *marks]
        return
    uses = [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": _arguments(call)}}
        for call in turn.tool_calls
    ]
    _put_before_marks(message, uses)


def _put_before_marks(message: dict[str, Any], uses: list[dict[str, Any]]) -> None:
    """Add tool calls to a text, which may be empty, so that a breakpoint comes after them."""
    if not uses:
        return
    text, *points = message["content"]
    marks = {key: text.pop(key) for key in ("cache_control",) if key in text}
    uses[-1] |= marks
    message["content"] = [*([text] if text["text"] else []), *uses, *points]


def _openai(pieces: Sequence[Piece], blocks: list[dict[str, Any]]) -> dict[str, Any]:
    first = pieces[0]
    message: dict[str, Any] = {"role": first.role, "content": _plain(blocks)}
    if first.turn is not None and first.turn.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in first.turn.tool_calls
        ]
    if first.turn is not None and first.role == "tool":
        message["tool_call_id"] = first.turn.tool_call_id
    return message


def _plain(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A text where no block is marked: every server takes one."""
    if any(set(block) != {"type", "text"} for block in blocks):
        return blocks
    return "".join(block["text"] for block in blocks).rstrip("\n")


def _named(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }


def _arguments(call: ToolCall) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:
        return {"arguments": call.arguments}
