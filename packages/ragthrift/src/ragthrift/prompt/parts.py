"""What goes into a prompt, and the prompt that came out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragthrift.ledger import Kind, Segment
from ragthrift.prompt.planning import CachePlan
from ragthrift.protocols import TokenCounter
from ragthrift.types import Message, Passage, Role, Tool, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptParts:
    """The parts of one prompt, in no order."""

    question: str
    system: str = ""
    """Rules that are the same for all: no date, no name of a user."""
    tools: tuple[Tool, ...] = ()
    examples: tuple[Message, ...] = ()
    documents: tuple[Passage, ...] = ()
    """As they were ranked, the most relevant first."""
    history: tuple[Message, ...] = ()
    context: str = ""
    """What is new in each call: the date, the user, what is remembered of them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message."""

    kind: Kind
    role: Role
    text: str
    """With the blank line that follows it, so that pieces are put together as they are."""
    id: str = ""
    """Of a document."""
    turn: Message | None = None
    """The message that is this piece: one of the history or the examples."""

    def segment(self, counter: TokenCounter) -> Segment:
        """As the ledger knows it."""
        calls = "".join(f"{call.name}{call.arguments}" for call in _calls(self.turn))
        tokens = counter.count(self.text + calls)
        return Segment.of(self.kind, self.text + calls, tokens=tokens, document_id=self.id)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in the order in which it is sent."""

    tools: tuple[Tool, ...]
    pieces: tuple[Piece, ...]
    segments: tuple[Segment, ...]
    """One for the tools, if there are any, then one for each piece."""
    plan: CachePlan

    @property
    def messages(self) -> tuple[Message, ...]:
        """As any model takes them, without markers."""
        return tuple(_message(group) for group in self.grouped())

    def grouped(self) -> Sequence[Sequence[Piece]]:
        """The pieces of each message."""
        groups: list[list[Piece]] = []
        for piece in self.pieces:
            joins = groups and piece.turn is None and groups[-1][-1].turn is None
            if joins and groups[-1][-1].role == piece.role:
                groups[-1].append(piece)
            else:
                groups.append([piece])
        return groups

    def marked_pieces(self) -> Mapping[int, str]:
        """Places of the pieces that a breakpoint follows, and its lifetime."""
        before = len(self.segments) - len(self.pieces)
        marks = self.plan.breakpoints
        return {mark.after - before - 1: mark.lifetime for mark in marks if mark.after > before}


def tools_text(tools: Sequence[Tool]) -> str:
    """Tools as JSON in one byte order, whatever order they and their schemas were written in."""
    return canonical_json([_tool(tool) for tool in canonical_tools(tools)])


def canonical_tools(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """By name, the keys of their schemas sorted.

    >>> [tool.name for tool in canonical_tools([Tool("menu"), Tool("book")])]
    ['book', 'menu']
    """
    ordered = sorted(tools, key=lambda tool: tool.name)
    return tuple(replace(tool, parameters=sorted_keys(tool.parameters)) for tool in ordered)


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces.

    >>> canonical_json({"b": 1, "a": [2]})
    '{"a":[2],"b":1}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def sorted_keys(value: Any) -> Any:
    """A copy of JSON-like values whose mappings are sorted by their keys."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [sorted_keys(one) for one in value]
    return value


def _tool(tool: Tool) -> dict[str, object]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _message(pieces: Sequence[Piece]) -> Message:
    first = pieces[0]
    if first.turn is not None:
        return first.turn
    return Message(first.role, "".join(piece.text for piece in pieces).rstrip("\n"))


def _calls(turn: Message | None) -> tuple[ToolCall, ...]:
    return () if turn is None else turn.tool_calls
