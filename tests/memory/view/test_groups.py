"""Where a talk may be cut: real tool conversations at every place, and made-up odd ones."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ragthrift import Message, ToolCall
from ragthrift.memory.groups import boundaries, cut_for
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.turn import message_tokens
from tests.memory.view.talks import (
    COUNTER,
    ROOM,
    Counting,
    calls_without_result,
    results_without_call,
    small,
    trajectories,
)


def asks(*names: str) -> Message:
    return Message("assistant", "", tuple(ToolCall(name, "look") for name in names))


def tells(name: str) -> Message:
    return Message("tool", "found", tool_call_id=name)


def waiting(talk: Sequence[Message]) -> list[tuple[Message, str]]:
    """Calls of the last message, whose results are yet to come."""
    return [(talk[-1], call.id) for call in talk[-1].tool_calls]


USER, SAID = Message("user", "Soup?"), Message("assistant", "Yes.")


def test_every_cut_of_every_trajectory_is_whole() -> None:
    cuts = tools = 0
    for talk in trajectories():
        allowed = boundaries(talk)
        for place in (n for n, may in enumerate(allowed) if may):
            before, after = talk[:place], talk[place:]
            assert not results_without_call(after)
            assert not calls_without_result(before)
            cuts += 1
        tools += sum(message.role == "tool" for message in talk)
        places = [n for n in range(len(talk)) if not results_without_call(talk[n:])]
        assert [n for n in places if n] == [n for n in range(1, len(talk)) if allowed[n]]
    assert cuts > 3000
    assert tools > 1000


def test_every_beginning_of_every_trajectory_has_a_whole_view() -> None:
    shorter = 0
    for number, talk in enumerate(trajectories()):
        memory = ConversationMemory(summariser=Counting(), policy=small(1500, 300), room=ROOM)
        for end in range(1, len(talk) + 1):
            seen = memory.view("one", talk[:end])
            assert not results_without_call(seen), (number, end)
            assert calls_without_result(seen) == waiting(talk[:end]), (number, end)
            assert seen[-1] == talk[end - 1]
            memory.compact("one")
            shorter += len(seen) < end
        kept = [turn.message for turn in memory.transcript.load("one").turns]
        assert kept == talk[1:]
        memory.close()
    assert shorter > 500


def test_every_view_of_a_trajectory_that_is_met_late_is_whole() -> None:
    for number, talk in enumerate(trajectories()):
        if number % 5:
            continue
        for end in range(2, len(talk) + 1, 3):
            with ConversationMemory(
                summariser=Counting(), policy=small(200, 50), room=ROOM
            ) as memory:
                seen = memory.condense(talk[:end])
            assert not results_without_call(seen), (number, end)
            assert calls_without_result(seen) == waiting(talk[:end]), (number, end)
            assert seen[:1] == talk[:1]
            assert seen[-1] == talk[end - 1]


def test_parallel_calls_are_one_with_all_results() -> None:
    talk = [USER, asks("a", "b", "c"), tells("c"), tells("a"), tells("b"), SAID]
    assert boundaries(talk) == [True, True, False, False, False, True, True]


def test_a_call_that_waits_holds_what_follows() -> None:
    assert boundaries([USER, SAID, USER, asks("a")]) == [True, True, True, True, False]


def test_a_call_that_was_never_answered_holds_nothing_once_the_user_spoke() -> None:
    assert all(boundaries([USER, asks("a"), USER, SAID, USER]))


def test_a_late_result_holds_everything_between() -> None:
    talk = [USER, asks("a"), USER, SAID, tells("a"), SAID]
    assert boundaries(talk) == [True, True, False, False, False, True, True]


def test_an_id_that_is_used_again_is_another_call() -> None:
    talk = [USER, asks("a"), tells("a"), USER, asks("a"), tells("a"), SAID]
    assert boundaries(talk) == [True, True, False, True, True, False, True, True]


def test_a_result_without_a_call_stays_with_what_it_follows() -> None:
    assert boundaries([USER, tells("lost"), SAID]) == [True, False, True, True]


MESSAGES = st.lists(
    st.one_of(
        st.just(USER),
        st.just(SAID),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).map(
            lambda names: asks(*names)
        ),
        st.sampled_from("abc").map(tells),
    ),
    max_size=14,
)


@settings(max_examples=200, deadline=None)
@given(MESSAGES, st.integers(0, 60))
def test_no_cut_makes_an_orphan_that_was_none(talk: Sequence[Message], keep: int) -> None:
    tokens = [message_tokens(message, COUNTER) for message in talk]
    place = cut_for(talk, tokens, start=0, keep=keep)
    assert set(results_without_call(talk[place:])) <= set(results_without_call(talk))
    known = calls_without_result(talk)
    assert all(call in known for call in calls_without_result(talk[:place]))
    assert place < len(talk) or not talk


def test_a_cut_before_the_user_is_preferred() -> None:
    talk = [USER, SAID, SAID, USER, SAID, SAID]
    assert cut_for(talk, [10] * 6, start=0, keep=40) == 3
    assert cut_for(talk, [10] * 6, start=0, keep=20) == 4


def test_the_last_message_stays_however_long() -> None:
    assert cut_for([USER, SAID, USER], [10, 10, 900], start=0, keep=50) == 2
    assert cut_for([USER], [900], start=0, keep=50) == 0
