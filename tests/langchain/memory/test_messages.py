from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_ragthrift.memory.messages import to_message, to_turns, with_originals
from langchain_ragthrift.memory.viewing import viewed
from ragthrift import Message
from ragthrift.memory import ConversationMemory
from tests.langchain.memory.talking import memory_of, settle, small_talk
from tests.memory.view.talks import calls_without_result, results_without_call, trajectories

PICTURE = {"type": "image", "url": "https://example.org/soup.png"}
OTHER = {"type": "image", "url": "https://example.org/bread.png"}


def test_what_is_sent_as_said_is_the_message_given() -> None:
    thought: list[str | dict[str, Any]] = [
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "text", "text": "A soup."},
    ]
    given: list[BaseMessage] = [
        SystemMessage([{"type": "text", "text": "Be brief.", "cache_control": {"type": "x"}}]),
        HumanMessage([{"type": "text", "text": "What is this?"}, PICTURE], id="h1"),
        AIMessage(thought, id="a1"),
        HumanMessage("Yes", id="h2"),
        AIMessage("Yes", id="a2"),
        HumanMessage("Yes", id="h3"),
    ]
    with ConversationMemory() as memory:
        sent = viewed(memory, "one", given)
    assert [*map(id, sent)] == [*map(id, given)]


def test_two_images_are_two_turns() -> None:
    first, second = to_turns([HumanMessage([PICTURE]), HumanMessage([OTHER])])
    assert first != second


def test_turns_go_there_and_back() -> None:
    talk = [*next(iter(trajectories()))]
    assert to_turns([to_message(turn) for turn in talk])[0] == talk[0]
    assert [turn.content for turn in to_turns([*map(to_message, talk)])] == [
        turn.content for turn in talk
    ]


def test_arguments_that_cannot_be_read_are_kept() -> None:
    call = {
        "name": "look",
        "args": "{broken",
        "id": "a",
        "error": None,
        "type": "invalid_tool_call",
    }
    (turn,) = to_turns([AIMessage("", invalid_tool_calls=[call])])
    assert turn.tool_calls[0].arguments == "{broken"
    assert to_turns([to_message(turn)]) == [turn]


def test_a_result_that_is_cut_short_is_a_copy_of_its_original() -> None:
    long = ToolMessage("row " * 400, tool_call_id="a", name="rows", id="t1", status="success")
    call = {"name": "rows", "args": {}, "id": "a"}
    talk: list[BaseMessage] = [HumanMessage("Rows?"), AIMessage("", tool_calls=[call]), long]
    talk += [AIMessage("Many."), HumanMessage("Thanks!")]
    turns = to_turns(talk)
    view = [*turns[:2], Message("tool", "row […]", tool_call_id="a"), *turns[3:]]
    cut = with_originals(view, turns, talk)[2]
    assert isinstance(cut, ToolMessage)
    assert (cut.content, cut.name, cut.id, cut.tool_call_id) == ("row […]", "rows", "t1", "a")
    assert long.content == "row " * 400


def test_a_memory_that_fails_sends_everything() -> None:
    memory = ConversationMemory()
    memory.close()
    talk = [HumanMessage(small_talk(1)), AIMessage("Yes."), HumanMessage("And?")]
    assert viewed(memory, "one", talk) == talk


def test_a_message_without_a_role_here_goes_through() -> None:
    with ConversationMemory() as memory:
        talk = [HumanMessage("Soup?"), FunctionMessage(content="Lentils.", name="menu")]
        assert viewed(memory, "one", talk) == talk
        assert memory.tally.failures() == {"view": 1}


def test_every_beginning_of_every_trajectory_is_whole_in_langchains_messages() -> None:
    shorter = 0
    for number, turns in enumerate(trajectories()):
        if number % 4:
            continue
        talk = [to_message(turn) for turn in turns]
        with memory_of(1500, 300) as memory:
            for end in range(1, len(talk) + 1):
                sent = viewed(memory, "one", talk[:end])
                seen = to_turns(sent)
                waiting = [(seen[-1], call.id) for call in seen[-1].tool_calls]
                assert not results_without_call(seen), (number, end)
                assert calls_without_result(seen) == waiting, (number, end)
                assert sent[-1] is talk[end - 1]
                memory.after("one")
                settle()
                shorter += len(sent) < end
    assert shorter > 100
