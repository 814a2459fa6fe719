"""What is sent: rules, facts, summaries, recent turns word for word, and what was recalled."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.memory.clip import clipped
from ragthrift.memory.groups import boundaries, last_user
from ragthrift.memory.room import Room
from ragthrift.memory.segment import Fact, Segment, live
from ragthrift.memory.state import ViewState, covering
from ragthrift.memory.turn import Turn
from ragthrift.protocols import TokenCounter
from ragthrift.types import Message

FACTS = "Known from earlier in this conversation:"
SUMMARY = "Earlier in this conversation:"
RECALLED = "Said earlier in this conversation, word for word:"
LEFT_OUT = "Earlier messages of this conversation are left out here."


@dataclass(frozen=True, slots=True)
class Cut:
    """Turns in two: those that segments stand for, and those that are sent as they are."""

    segments: tuple[Segment, ...]
    old: tuple[Turn, ...]
    recent: tuple[Turn, ...]
    clipped: int = 0
    """How many of the recent ones are sent with their long tool results cut short."""

    @property
    def kept(self) -> list[Turn]:
        """Old turns that are sent all the same: rules, and the question that is being answered."""
        asked = last_user([turn.message for turn in (*self.old, *self.recent)])
        return [
            turn
            for place, turn in enumerate(self.old)
            if turn.message.role == "system" or place == asked
        ]

    @property
    def recallable(self) -> list[Turn]:
        """Old turns that are not sent."""
        kept = {turn.id for turn in self.kept}
        return [turn for turn in self.old if turn.id not in kept]

    @property
    def question(self) -> Turn | None:
        """The user's last message."""
        asked = (
            turn for turn in reversed((*self.old, *self.recent)) if turn.message.role == "user"
        )
        return next(asked, None)

    @property
    def facts(self) -> list[Fact]:
        """Those that hold."""
        return live(fact for segment in self.segments for fact in segment.facts)


def cut_of(turns: Sequence[Turn], state: ViewState) -> Cut:
    """Cut where the segments end, or earlier, so that no call is torn from its result.

    That can be needed when a result comes late, after what asked for it was summarised. Long tool
    results are cut short once the user has spoken again, or the state says so.
    """
    messages, ids = [turn.message for turn in turns], [turn.id for turn in turns]
    allowed = boundaries(messages)
    found = covering(ids, state.segments)
    while found and not _is_cut(place := _length(found), allowed):
        found.pop()
    place = _length(found)
    marked = ids.index(state.clipped) + 1 if state.clipped in ids else 0
    short = max(last_user(messages), marked) - place
    return Cut(tuple(found), tuple(turns[:place]), tuple(turns[place:]), max(short, 0))


def _is_cut(place: int, allowed: Sequence[bool]) -> bool:
    return place < len(allowed) - 1 and allowed[place]


def _length(segments: Sequence[Segment]) -> int:
    return sum(len(segment.turn_ids) for segment in segments)


def view_of(
    rules: Sequence[Message],
    cut: Cut,
    *,
    room: Room,
    counter: TokenCounter,
    recalled: Sequence[Turn] = (),
) -> list[Message]:
    """The messages to send; `rules` are the system messages that begin the conversation.

    What is recalled stands right before the user's last message. Everything before it is the
    beginning of the next view, too, until a segment is added, or a long tool result is cut short
    when its question is answered.
    """
    derived = [*rules, *memory_messages(cut, room, counter)]
    kept = [turn.message for turn in cut.kept]
    shown = [*kept, *recent_messages(cut, room)]
    place = last_user(shown)
    return [*derived, *shown[: max(place, 0)], *_quoted(recalled), *shown[max(place, 0) :]]


def recent_messages(cut: Cut, room: Room) -> list[Message]:
    """Recent turns, with those tool results cut short that may be."""
    return [
        clipped(turn, room.clip) if place < cut.clipped else turn.message
        for place, turn in enumerate(cut.recent)
    ]


def memory_messages(cut: Cut, room: Room, counter: TokenCounter) -> list[Message]:
    """Pinned facts, then one message for each summary: a new one leaves those before it as is."""
    if not cut.segments:
        return []
    facts = pinned(cut.facts, room.facts, counter)
    texts = [f"{SUMMARY}\n{segment.summary}" for segment in cut.segments if segment.summary]
    if facts:
        texts.insert(0, "\n".join([FACTS, *(f"- {fact.text}" for fact in facts)]))
    return [Message("user", text) for text in texts or [LEFT_OUT]]


def pinned(facts: Sequence[Fact], max_tokens: int, counter: TokenCounter) -> list[Fact]:
    """As many facts as fit: the first ones to half the room, and the newest.

    Who somebody is and what they must not eat is said first; what they want is said last.
    """
    costs = [counter.count(f"- {fact.text}\n") for fact in facts]
    first = _fitting(costs, max_tokens // 2)
    if first == len(facts):
        return list(facts)
    last = _fitting(costs[first:][::-1], max_tokens - sum(costs[:first]))
    return [*facts[:first], *facts[len(facts) - last :]]


def _fitting(costs: Sequence[int], max_tokens: int) -> int:
    """How many of the first ones fit."""
    count, left = 0, max_tokens
    while count < len(costs) and costs[count] <= left:
        left -= costs[count]
        count += 1
    return count


def _quoted(turns: Sequence[Turn]) -> list[Message]:
    if not turns:
        return []
    lines = [f"[{turn.message.role}] {spoken(turn.message)}" for turn in turns]
    return [Message("user", "\n".join([RECALLED, *lines]))]


def spoken(message: Message) -> str:
    """A message as text, with the tools that it asks for.

    >>> from ragthrift.types import ToolCall
    >>> spoken(Message("assistant", "I look.", tool_calls=(ToolCall("a", "menu", '{"day": 1}'),)))
    'I look. menu({"day": 1})'
    """
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls]
    return " ".join([message.content, *calls] if message.content else calls)
