"""What is sent: its order, its stable beginning, what is cut short and what is fetched back."""

from collections.abc import Sequence

import pytest

from ragthrift import InputError, Message, Passage, ToolCall
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.room import Room
from ragthrift.memory.segment import Fact, Segment
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.state import ViewState
from ragthrift.memory.talk import shared
from ragthrift.memory.turn import Turn, message_tokens, turns_of
from ragthrift.memory.view import FACTS, RECALLED, SUMMARY, cut_of, pinned, view_of
from tests.memory.view.talks import (
    COUNTER,
    ROOM,
    Counting,
    calls_without_result,
    chat,
    results_without_call,
    small,
)


def memory_with(room: Room = ROOM, **given: object) -> ConversationMemory:
    given = {"summariser": Counting(["id 4711"]), "policy": small(), **given}
    return ConversationMemory(room=room, **given)  # type: ignore[arg-type]


class Quoting:
    """Recalls the first turns that fit, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Passage, ...]]] = []

    def recall(
        self,
        query: str,
        turns: Sequence[Turn],
        *,
        budget_tokens: int,
        exclude: Sequence[Passage] = (),
        facts: Sequence[Fact] = (),
    ) -> list[Turn]:
        self.asked.append((query, tuple(exclude)))
        return [turn for turn in turns[:1] if turn.tokens <= budget_tokens]


def test_the_order_of_a_view() -> None:
    talk = [*chat(12), Message("user", "Which one did I mean?")]
    with memory_with(Room(60, 200, 60, 100, 60), recall=Quoting(), gate=lambda *_: True) as memory:
        memory.view("one", talk)
        assert memory.compact("one")
        seen = memory.view("one", talk)
    assert seen[0] == talk[0]
    assert seen[1].content == f"{FACTS}\n- id 4711"
    assert seen[2].content.startswith(SUMMARY)
    assert seen[3:-2] == talk[-1 - len(seen[3:-2]) : -1]
    assert seen[-2].content.startswith(RECALLED)
    assert "Question 0" in seen[-2].content
    assert seen[-1] == talk[-1]
    assert RECALLED not in seen[0].content


def test_a_beginning_changes_only_when_a_summary_is_added() -> None:
    changes, views = 0, 0
    with memory_with(policy=small(1000, 200)) as memory:
        before: list[Message] = []
        state = memory.transcript.state("one")
        for end in range(2, 160, 2):
            seen = memory.view("one", chat(80)[:end])
            newer = memory.transcript.state("one")
            if newer == state:
                assert seen[: len(before)] == before
            else:
                changes += 1
            views += 1
            before, state = seen, newer
            memory.compact("one")
    assert views == 79
    assert 3 < changes < 20


def test_a_new_summary_leaves_those_before_it_as_they_are() -> None:
    with memory_with(Room(60, 5000, 0, 0, 60)) as memory:
        summaries: list[Message] = []
        for end in range(2, 120, 2):
            seen = memory.view("one", chat(60)[:end])
            memory.compact("one")
            now = [message for message in seen if message.content.startswith(SUMMARY)]
            assert now[: len(summaries)] == summaries
            summaries = now
        assert len(summaries) > 5


def test_summaries_that_grow_too_long_are_merged() -> None:
    with memory_with(Room(60, 40, 60, 0, 60)) as memory:
        for end in range(2, 160, 2):
            memory.view("one", chat(80)[:end])
            memory.compact("one")
            seen = memory.view("one", chat(80)[:end])
            said = [m for m in seen if m.content.startswith(SUMMARY)]
            assert sum(COUNTER.count(m.content) for m in said) < 150
        assert "id 4711" in seen[1].content
        assert [t.message for t in memory.transcript.load("one").turns] == chat(80)[1:158]


def test_what_recall_adds_stays_while_tools_work_on_the_answer() -> None:
    talk = [*chat(12), Message("user", "Which one did I mean?")]
    asked = Message("assistant", "", (ToolCall("a", "menu"),))
    loop = [*talk, asked, Message("tool", "Soup.", tool_call_id="a")]
    quoting = Quoting()
    with memory_with(Room(60, 200, 60, 100, 60), recall=quoting, gate=lambda *_: True) as memory:
        memory.view("one", talk)
        memory.compact("one")
        first = memory.view("one", talk, passages=[Passage("p")])
        second = memory.view("one", loop)
    assert second[: len(first)] == first
    assert second[len(first) :] == loop[-2:]
    assert quoting.asked == [
        ("Which one did I mean?", (Passage("p"),)),
        ("Which one did I mean?", ()),
    ]


def test_the_gate_sees_the_same_window_while_tools_work() -> None:
    question = Message("user", "What was my name for the parrot?")
    asked = Message("assistant", "My parrot?", (ToolCall("a", "parrot"),))
    loop = [*chat(12), question, asked, Message("tool", "What name?", tool_call_id="a")]
    with memory_with(Room(60, 200, 60, 100, 60), recall=Quoting()) as memory:
        memory.view("one", loop[:-2])
        memory.compact("one")
        first = memory.view("one", loop[:-2])
        assert any(message.content.startswith(RECALLED) for message in first)
        assert memory.view("one", loop) == [*first, *loop[-2:]]


def test_small_talk_recalls_nothing() -> None:
    quoting = Quoting()
    talk = [*chat(12), Message("user", "Haha, nice!")]
    with memory_with(Room(60, 200, 60, 100, 60), recall=quoting) as memory:
        memory.view("one", talk)
        memory.compact("one")
        seen = memory.view("one", talk)
        assert memory.report("one").account.recalls == 0
    assert not quoting.asked
    assert not any(message.content.startswith(RECALLED) for message in seen)


LOOP = [
    Message("system", "Rules."),
    Message("user", "Find all flights."),
    *(
        message
        for n in range(20)
        for message in (
            Message("assistant", "", (ToolCall(f"a{n}", "find"), ToolCall(f"b{n}", "find"))),
            Message("tool", f"flight {n} " * 20, tool_call_id=f"b{n}"),
            Message("tool", f"price {n} " * 20, tool_call_id=f"a{n}"),
        )
    ),
]


def test_a_long_tool_loop_is_cut_and_keeps_its_question() -> None:
    with memory_with() as memory:
        memory.view("one", LOOP)
        assert memory.compact("one")
        seen = memory.view("one", LOOP)
    assert LOOP[1] in seen
    assert seen[-1] == LOOP[-1]
    assert len(seen) < len(LOOP) / 2
    assert not results_without_call(seen)
    assert not calls_without_result(seen)


def test_rules_in_the_middle_are_never_summarised() -> None:
    rule = Message("system", "From now on answer in French.")
    talk = [*chat(3), rule, *chat(12)[1:], Message("user", "Et?")]
    with memory_with() as memory:
        memory.view("one", talk)
        assert memory.compact("one")
        seen = memory.view("one", talk)
    assert len(seen) < len(talk) / 2
    assert rule in seen


def test_a_late_result_brings_its_call_back() -> None:
    asked = Message("assistant", "I look.", (ToolCall("a", "menu"),))
    talk = [*chat(1), asked, *chat(12)[1:], Message("user", "Well?")]
    with memory_with() as memory:
        memory.view("one", talk)
        assert memory.compact("one")
        assert asked not in memory.view("one", talk)
        late = [*talk, Message("tool", "Soup.", tool_call_id="a")]
        assert memory.view("one", late) == late


def test_an_edited_talk_is_not_shown_the_summary_of_another() -> None:
    talk = [*chat(12), Message("user", "Well?")]
    edited = [talk[0], Message("user", "Something else."), *talk[2:]]
    with memory_with() as memory:
        memory.view("one", talk)
        assert memory.compact("one")
        assert memory.view("one", edited) == edited
        assert len(memory.view("one", talk)) < len(talk)


def test_a_forgotten_talk_begins_anew() -> None:
    talk = [*chat(12), Message("user", "Well?")]
    with memory_with() as memory:
        memory.view("one", talk)
        memory.compact("one")
        memory.forget("one")
        assert memory.report("one").account.calls == 0
        assert memory.view("one", talk) == talk


def test_more_talks_than_a_process_holds_are_still_whole() -> None:
    with memory_with() as memory:
        for n in range(300):
            memory.view(f"s{n}", chat(2))
        assert memory.view("s0") == chat(2)[1:]
        assert memory.report().account.calls == 301


def test_a_talk_can_be_remembered_piece_by_piece() -> None:
    talk = [*chat(12), Message("user", "Well?")]
    with memory_with() as memory:
        for message in talk:
            memory.remember("one", [message])
        assert memory.view("one") == talk
        assert memory.compact("one")
        seen = memory.view("one")
    assert seen[0] == talk[0]
    assert seen[-1] == talk[-1]
    assert len(seen) < len(talk)


def test_a_memory_starts_where_another_process_left(tmp_path: object) -> None:
    talk = [*chat(12), Message("user", "Well?")]
    path = f"{tmp_path}/talks.db"
    first, second = SqliteTranscript(path), SqliteTranscript(path)
    with memory_with(transcript=first) as memory:
        memory.view("one", talk)
        memory.compact("one")
        seen = memory.view("one", talk)
    first.close()
    with memory_with(transcript=second) as memory:
        assert memory.view("one", talk) == seen
        assert memory.report("one").account.calls == 3
    assert len(second.load("one").turns) == len(talk) - 1
    second.close()


LONG = Message("tool", "\n".join(f"row {n}: {n * 7}" for n in range(200)), tool_call_id="a")
TOOLS = [
    Message("user", "Sales?"),
    Message("assistant", "", (ToolCall("a", "sales", '{"year": 2026}'),)),
    LONG,
]


def test_a_long_result_is_cut_once_its_question_is_answered() -> None:
    later = [*TOOLS, Message("assistant", "They grew."), Message("user", "Thanks. Row 77?")]
    with memory_with(policy=small(10_000, 100)) as memory:
        assert memory.view("one", TOOLS) == TOOLS
        seen = memory.view("one", later)
        short = seen[2]
        assert short.tool_call_id == "a"
        assert message_tokens(short, COUNTER) <= ROOM.clip + 5
        assert "row 0: 0" in short.content
        assert "row 199: 1393" in short.content
        handle = short.content.split("handle ")[1].split()[0]
        assert memory.fetch("one", handle) == LONG
        with pytest.raises(InputError, match="no message"):
            memory.fetch("one", handle[:4])
        with pytest.raises(InputError, match="no message"):
            memory.fetch("two", handle)


def test_long_results_in_a_tool_loop_are_cut_short_before_a_model_is_asked() -> None:
    results = [
        message
        for n in range(4)
        for message in (
            Message("assistant", "", (ToolCall(f"a{n}", "rows"),)),
            Message("tool", LONG.content, tool_call_id=f"a{n}"),
        )
    ]
    loop = [Message("user", "Sales?"), *results]
    counting = Counting()
    with memory_with(summariser=counting, policy=small(1600, 700)) as memory:
        assert memory.view("one", loop) == loop
        assert memory.compact("one")
        seen = memory.view("one", loop)
        assert not counting.given
        assert [m.role for m in seen] == [m.role for m in loop]
        assert seen[-1] == loop[-1]
        assert "handle" in seen[2].content
        assert memory.fetch("one", seen[2].content.split("handle ")[1].split()[0]) == loop[2]
        longer = [*loop, *results[:2]]
        assert memory.view("one", longer)[: len(seen)] == seen
        for _ in range(40):
            longer += results[:2]
            memory.view("one", longer)
            memory.compact("one")
        assert counting.given
        read = {turn.message.content for turns in counting.given for turn in turns}
        assert LONG.content in read


def test_arguments_of_calls_count() -> None:
    call = ToolCall("a", "write", '{"text": "' + "word " * 400 + '"}')
    talk = [
        Message("user", "Write."),
        Message("assistant", "", (call,)),
        Message("tool", "done", tool_call_id="a"),
        Message("assistant", "Written."),
        Message("user", "Thanks!"),
    ]
    assert message_tokens(talk[1], COUNTER) > 500
    with memory_with() as memory:
        memory.view("one", talk)
        assert memory.compact("one")
        assert talk[1] not in memory.view("one", talk)


def test_a_cut_needs_segments_from_the_beginning() -> None:
    turns = turns_of(chat(4)[1:], COUNTER, at=0.0)
    ids = [turn.id for turn in turns]
    first, second = Segment.of(ids[:2], "a", (), 1), Segment.of(ids[2:4], "b", (), 1)
    both = ViewState(1, (second, first))
    assert cut_of(turns, ViewState(1, (second,))).segments == ()
    assert cut_of(turns, both).segments == (first, second)
    assert cut_of(turns[:4], both).segments == (first,)
    assert cut_of([], both).old == ()


def test_a_view_without_a_word_says_that_something_is_left_out() -> None:
    turns = turns_of(chat(4)[1:], COUNTER, at=0.0)
    silent = Segment.of([turn.id for turn in turns[:4]], "", (), 0)
    seen = view_of([], cut_of(turns, ViewState(1, (silent,))), room=ROOM, counter=COUNTER)
    assert "left out" in seen[0].content
    assert seen[1:] == [turn.message for turn in turns[4:]]


def test_facts_beyond_their_room_keep_the_first_and_the_newest() -> None:
    facts = [Fact(f"fact number {n:03d} of many", ("t",)) for n in range(50)]
    found = pinned(facts, 100, COUNTER)
    assert found[0] == facts[0]
    assert found[-1] == facts[-1]
    assert sum(COUNTER.count(f"- {fact.text}\n") for fact in found) <= 100
    assert len(found) == len(set(found)) > 8
    assert pinned(facts[:3], 100, COUNTER) == facts[:3]
    assert pinned(facts, 0, COUNTER) == []


def test_beginnings_are_compared_by_messages() -> None:
    assert shared(chat(3), chat(5)) == 7
    assert shared([], chat(1)) == 0
