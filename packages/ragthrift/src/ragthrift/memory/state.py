"""What a session has derived from its transcript, and its form in a store."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ragthrift.memory.segment import Fact, Segment
from ragthrift.types import Message, ToolCall


@dataclass(frozen=True, slots=True)
class ViewState:
    """Segments of a session. All of it can be made again from the transcript."""

    version: int = 0
    """One more with each change; a store refuses a state that is not the next one."""
    segments: tuple[Segment, ...] = ()
    """Of every branch of the talk; a merged segment stands beside those it was made from."""
    clipped: str = ""
    """The turn up to which long tool results are cut short, though their question is open."""

    def with_segments(self, segments: Sequence[Segment]) -> "ViewState":
        """The next state, with these segments added."""
        return replace(self, version=self.version + 1, segments=(*self.segments, *segments))

    def with_clipped(self, turn_id: str) -> "ViewState":
        """The next state, with long tool results cut short up to a turn."""
        return replace(self, version=self.version + 1, clipped=turn_id)


def covering(turn_ids: Sequence[str], segments: Sequence[Segment]) -> list[Segment]:
    """The segments that together cover a beginning of the turns, the longest where several could.

    >>> old, new = (Segment.of(ids, "…", (), 1) for ids in (("a", "b"), ("c",)))
    >>> merged = Segment.of(("a", "b", "c"), "…", (), 1)
    >>> len(covering("abcd", [old, new])), len(covering("abcd", [old, new, merged]))
    (2, 1)
    >>> covering("xyz", [old, new])
    []
    """
    starting: dict[str, list[Segment]] = {}
    for segment in segments:
        starting.setdefault(segment.turn_ids[0], []).append(segment)
    found: list[Segment] = []
    place = 0
    while place < len(turn_ids):
        fitting = [
            segment
            for segment in starting.get(turn_ids[place], ())
            if tuple(turn_ids[place : place + len(segment.turn_ids)]) == segment.turn_ids
        ]
        if not fitting:
            break
        found.append(max(fitting, key=lambda segment: len(segment.turn_ids)))
        place += len(found[-1].turn_ids)
    return found


def packed_state(state: ViewState) -> str:
    """JSON of all but the version.

    >>> state = ViewState(1, (Segment.of(("a",), "…", (Fact("id 4711", ("a",)),), 1),))
    >>> unpacked_state(packed_state(state), 1) == state
    True
    """
    segments = [asdict(segment) for segment in state.segments]
    return json.dumps({"segments": segments, "clipped": state.clipped})


def unpacked_state(text: str, version: int) -> ViewState:
    """The state that `packed_state` was given."""
    fields = json.loads(text)
    segments = tuple(_segment(**segment) for segment in fields["segments"])
    return ViewState(version, segments, fields["clipped"])


def _segment(
    id: str,  # noqa: A002  (the field's own name)
    turn_ids: list[str],
    summary: str,
    facts: list[dict[str, Any]],
    tokens: int,
) -> Segment:
    return Segment(id, tuple(turn_ids), summary, tuple(_fact(**fact) for fact in facts), tokens)


def _fact(text: str, turn_ids: list[str], supersedes: list[str]) -> Fact:
    return Fact(text, tuple(turn_ids), tuple(supersedes))


def packed_message(message: Message) -> str:
    """JSON of a message; a lone surrogate survives.

    >>> asked = Message("assistant", "", tool_calls=(ToolCall("a", "menu"),))
    >>> unpacked_message(packed_message(asked)) == asked
    True
    """
    return json.dumps(asdict(message))


def unpacked_message(text: str) -> Message:
    """The message that `packed_message` was given."""
    fields = json.loads(text)
    calls = tuple(ToolCall(**call) for call in fields.pop("tool_calls"))
    return Message(**fields, tool_calls=calls)
