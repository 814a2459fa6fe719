"""A state that another memory derived from the same conversation."""

from dataclasses import replace
from pathlib import Path

from ragthrift import Message
from ragthrift.memory import (
    ConversationMemory,
    Segment,
    SqliteTranscript,
    Summary,
    ViewState,
    turns_of,
)
from ragthrift.memory.state import packed_state, unpacked_state
from tests.memory.view.talks import COUNTER, ROOM, Counting, Faulty, Hanging, chat, small

TALK = chat(12)


def refused() -> Summary:
    raise AssertionError("a summary is made again")


def segment(*ids: str, says: str = "…") -> Segment:
    return Segment.of(ids, says, (), 1)


def test_another_memory_sends_the_same_without_a_summary_of_its_own() -> None:
    with (
        ConversationMemory(summariser=Counting(["id 4711"]), policy=small(), room=ROOM) as one,
        ConversationMemory(summariser=Faulty(refused), policy=small(), room=ROOM) as two,
    ):
        for end in range(2, len(TALK), 2):
            one.view("ann", TALK[:end])
            one.compact("ann")
        assert len(one.derived("ann").segments) > 2
        assert two.adopt("elsewhere", unpacked_state(packed_state(one.derived("ann")), 0))
        sent = one.view("ann", TALK[:-1])
        assert two.view("elsewhere", TALK[:-1]) == sent
        assert len(sent) < len(TALK) / 2
        assert not two.adopt("elsewhere", one.derived("ann"))
        assert not one.adopt("ann", two.derived("elsewhere"))
        assert two.report().account.compactions == 0


def test_nothing_is_lost_and_two_memories_come_to_the_same_order() -> None:
    mine, other, both = segment("a", says="mine"), segment("a", says="other"), segment("b")
    with ConversationMemory() as one, ConversationMemory() as two:
        assert one.adopt("ann", ViewState(0, (mine, both)))
        assert two.adopt("ann", ViewState(0, (other,)))
        assert two.adopt("ann", one.derived("ann"))
        assert two.derived("ann").segments == (mine, both, other)
        assert one.adopt("ann", two.derived("ann"))
        assert one.derived("ann").segments == (mine, both, other)
        assert not one.adopt("ann", ViewState())
        assert not one.adopt("ann", ViewState(0, (mine,)))


def test_the_later_mark_of_long_results_stays() -> None:
    turns = turns_of(TALK[1:], COUNTER, at=0.0)
    early, late = (ViewState(0, (), turn.id) for turn in (turns[2], turns[6]))
    with ConversationMemory() as memory:
        memory.view("ann", TALK)
        assert memory.adopt("ann", early)
        assert memory.adopt("ann", late)
        assert not memory.adopt("ann", early)
        assert not memory.adopt("ann", replace(late, clipped=""))
        assert memory.derived("ann").clipped == turns[6].id


def test_a_summary_under_way_is_not_lost(tmp_path: Path) -> None:
    hanging, transcript = Hanging(), SqliteTranscript(tmp_path / "talk.db")
    given = ViewState(0, (segment("x"),))
    with ConversationMemory(
        summariser=hanging, policy=small(), room=ROOM, transcript=transcript
    ) as memory:
        memory.view("ann", TALK)
        done = memory.after("ann")
        assert hanging.begun.wait(30)
        assert not memory.adopt("ann", given)
        hanging.go.set()
        assert done.result(30)
        assert memory.adopt("ann", given)
        assert len(memory.derived("ann").segments) == 2
    transcript.close()


def test_who_only_looks_is_in_no_account() -> None:
    said = [Message("user", "Hi")]
    with ConversationMemory() as memory:
        assert memory.view("ann", said, counted=False) == memory.view("ann", said)
        assert memory.report("ann").account.calls == 1
