"""What an application did with a question: its answer, its calls, and what it sent.

An attempt holds all that a row of results is worked out from, so that other prices, other caching
rules and other metrics need no second answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ragthrift import Message, Passage, ToolCall, Usage
from ragthrift_bench.cases import Case


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model."""

    messages: tuple[Message, ...]
    """What was sent, in full."""
    text: str
    """What came back."""
    model: str = ""
    """The name of the model that was called, as it gave it."""
    reported: Usage | None = None
    """What the provider counted, where it said so."""
    seconds: float = 0.0
    by_lever: bool = False
    """Whether a lever made the call for its own ends, such as a summary."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One question, answered once."""

    answer: str | None
    """`None` where no model was asked, and only what a prompt would hold is measured."""
    calls: tuple[Call, ...] = ()
    passages: tuple[Passage, ...] | None = None
    """What the prompt held. `None` where only the text of the prompt is known."""
    seconds: float = 0.0
    """From question to answer."""
    lever_seconds: float = 0.0
    """The part that levers took on this machine, their calls of models left out."""


Application = Callable[[Case], Attempt]
"""Answers one question on its passages."""


def to_json(attempt: Attempt) -> dict[str, Any]:
    """The attempt as JSON values; metadata of passages is left out."""
    passages = attempt.passages
    kept = None if passages is None else [[p.id, p.text, p.score] for p in passages]
    return {**asdict(attempt), "passages": kept}


def from_json(raw: Mapping[str, Any]) -> Attempt:
    """What `to_json` wrote."""
    return Attempt(
        answer=raw["answer"],
        calls=tuple(_call(call) for call in raw["calls"]),
        passages=_passages(raw["passages"]),
        seconds=raw["seconds"],
        lever_seconds=raw["lever_seconds"],
    )


def _passages(raw: Sequence[tuple[str, str, float | None]] | None) -> tuple[Passage, ...] | None:
    if raw is None:
        return None
    return tuple(Passage(text, passage_id, score) for passage_id, text, score in raw)


def _call(raw: Mapping[str, Any]) -> Call:
    reported = raw["reported"]
    return Call(
        messages=tuple(_message(message) for message in raw["messages"]),
        text=raw["text"],
        model=raw["model"],
        reported=None if reported is None else Usage(**reported),
        seconds=raw["seconds"],
        by_lever=raw["by_lever"],
    )


def _message(raw: Mapping[str, Any]) -> Message:
    calls: Sequence[Mapping[str, str]] = raw["tool_calls"]
    return Message(
        raw["role"], raw["content"], tuple(ToolCall(**call) for call in calls), raw["tool_call_id"]
    )
