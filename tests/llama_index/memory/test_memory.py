import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.base.llms.types import ToolCallBlock as Call
from llama_index.core.llms import MockLLM

from llama_index_ragthrift.memory import RagthriftMemory
from ragthrift import InputError
from ragthrift.memory import ConversationMemory, Watermarks
from tests.llama_index.memory.talks import (
    SAID,
    SMALL,
    answer,
    calls_in,
    conversation,
    is_whole,
    small_talk,
    text_of,
)

HI = [ChatMessage("Good morning!"), answer("Good morning, what can I do for you?")]


def asked_for(*names: str) -> list[ChatMessage]:
    """A call of each tool in one message, and their results, the last one first."""
    calls = [Call(tool_call_id=name, tool_name="look", tool_kwargs={"at": name}) for name in names]
    results = [
        ChatMessage(
            role=MessageRole.TOOL,
            content=f"{name} has " + "soup " * 30,
            additional_kwargs={"tool_call_id": name},
        )
        for name in reversed(names)
    ]
    return [ChatMessage(role=MessageRole.ASSISTANT, blocks=calls), *results]


def talked(memory: RagthriftMemory, turns: int) -> None:
    conversation: ConversationMemory = memory.conversation
    memory.put_messages([*HI, ChatMessage(SAID), answer("Noted.")])
    for n in range(turns):
        memory.put(ChatMessage(small_talk(n)))
        assert memory.get()[-1].content == small_talk(n)
        memory.put(answer(f"How nice to hear about number {n}."))
        conversation.close()  # waits for the summary; a given transcript stays open


@pytest.mark.parametrize("question", ["What is my customer id?", "What am I allergic to?"])
def test_60_turns_and_their_compactions_leave_an_early_fact_answerable(question: str) -> None:
    memory = RagthriftMemory(conversation())
    talked(memory, 60)
    memory.put(ChatMessage(question))
    sent = memory.get()
    assert "4711" in text_of(sent)
    assert "peanuts" in text_of(sent)
    assert len(text_of(sent)) < len(text_of(memory.get_all())) / 3
    assert memory.report().account.compactions >= 3
    assert len(memory.get_all()) == 2 + 2 + 120 + 1


def test_a_turn_is_recalled_for_a_question_that_is_not_kept_yet() -> None:
    memory = RagthriftMemory(conversation())
    memory.put_messages([ChatMessage("Our cat Mimi sleeps in the boiler room."), answer("Sweet.")])
    for n in range(30):
        memory.put_messages([ChatMessage(small_talk(n)), answer("Nice.")])
        memory.conversation.close()
    before = memory.get_all()
    assert "boiler" not in text_of(memory.get())
    sent = memory.get(input="Where does Mimi sleep?")
    assert "boiler room" in text_of(sent[-1:])
    assert "Where does Mimi" not in text_of(sent)
    assert memory.get_all() == before
    memory.put(ChatMessage("Where does Mimi sleep?"))
    assert memory.get_all() == [*before, ChatMessage("Where does Mimi sleep?")]
    assert "boiler room" in text_of(memory.get(input="Where does Mimi sleep?")[-2:-1])


def test_an_empty_memory_gives_nothing_and_keeps_no_question() -> None:
    memory = RagthriftMemory()
    assert memory.get(input="Hello?") == memory.get() == memory.get_all() == []


def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "talk.db"
    with_summaries = conversation(path)
    talked(RagthriftMemory(with_summaries, session="ann"), 30)
    with_summaries.transcript.close()
    with RagthriftMemory(path=str(path), session="ann") as memory:
        assert len(memory.get_all()) == 2 + 2 + 60
        assert memory.get_all()[2].content == SAID
        assert "4711" in text_of(memory.get())
        assert len(memory.get()) < 40


def test_it_is_loaded_from_its_dict(tmp_path: Path) -> None:
    path = str(tmp_path / "talk.db")
    with RagthriftMemory.from_defaults(HI, path=path, session="ann", token_limit=900) as memory:
        saved = memory.to_dict()
    with RagthriftMemory.from_dict(saved) as loaded:
        assert text_of(loaded.get()) == text_of(HI)
        assert loaded.conversation.policy.watermarks.limit == 900


def test_messages_come_back_as_they_were() -> None:
    memory = RagthriftMemory()
    seen = ChatMessage(
        [TextBlock(text="See:"), ImageBlock(url="file:///a.png")], additional_kwargs={"mark": 1}
    )
    memory.put(seen)
    assert memory.get() == memory.get_all() == [seen]
    memory.get()[0].additional_kwargs["mark"] = 2
    assert memory.get_all()[0].additional_kwargs == {"mark": 1}


def test_after_a_restart_a_picture_is_named_and_calls_keep_their_arguments(tmp_path: Path) -> None:
    path = str(tmp_path / "talk.db")
    said = [ChatMessage([ImageBlock(url="file:///a.png")]), *asked_for("a", "b")]
    with RagthriftMemory(path=path, session="ann") as memory:
        memory.put_messages(said)
    with RagthriftMemory(path=path, session="ann") as memory:
        picture, call, *results = memory.get_all()
    assert picture.content == "[image]"
    assert [block.tool_kwargs for block in call.blocks if isinstance(block, Call)] == [
        '{"at": "a"}',
        '{"at": "b"}',
    ]
    assert [one.additional_kwargs["tool_call_id"] for one in results] == ["b", "a"]


def test_parallel_calls_are_never_torn_from_their_results() -> None:
    roomy = replace(SMALL, watermarks=Watermarks(high=900, low=400))
    memory = RagthriftMemory(conversation(policy=roomy))
    for n in range(20):
        memory.put(ChatMessage(small_talk(n)))
        memory.put_messages([*asked_for(f"{n}a", f"{n}b", f"{n}c"), answer(f"Soup {n}.")])
        assert is_whole(memory.get())
        assert is_whole(memory.get(input="Where was the soup of day 3?"))
        memory.conversation.close()
        assert is_whole(memory.get())
    assert memory.report().account.compactions >= 3
    assert sum(len(calls_in(message)) for message in memory.get_all()) == 60
    assert 0 < sum(len(calls_in(message)) for message in memory.get()) < 60


def test_looking_is_no_call_of_a_model() -> None:
    memory = RagthriftMemory(conversation())

    def calls() -> int:
        return memory.report().account.calls

    memory.put_messages([*HI, ChatMessage(SAID)])
    assert memory.get() == memory.get() == memory.get_all()
    assert calls() == 1
    memory.put(answer("Noted."))
    memory.get()
    assert calls() == 1
    memory.put_messages(asked_for("a"))  # a result is what a model is asked with, too
    memory.get()
    assert calls() == 2
    memory.put(answer("Soup."))
    memory.get(input="What else?")  # kept by the engine once it is answered
    memory.get(input="What else?")
    assert calls() == 4
    memory.set([*HI, ChatMessage(SAID)])  # to be answered anew
    memory.get()
    assert calls() == 5
    memory.reset()
    memory.put(ChatMessage(SAID))
    memory.get()
    assert calls() == 1


def test_set_goes_on_from_a_known_beginning() -> None:
    memory = RagthriftMemory(conversation())
    talked(memory, 30)
    everything, sent = memory.get_all(), memory.get()
    memory.set(everything)
    assert memory.get_all() == everything
    assert memory.get() == sent
    memory.set(everything[:4])
    assert memory.get_all() == everything[:4]
    memory.set([ChatMessage("Another talk.")])
    assert text_of(memory.get()) == "Another talk."
    memory.set([])
    assert memory.get_all() == []


def test_a_system_message_leads() -> None:
    memory = RagthriftMemory(conversation())
    rules = ChatMessage(role=MessageRole.SYSTEM, content="You are a waiter.")
    memory.set([rules])
    talked(memory, 30)
    assert memory.get()[0] == rules
    assert "4711" in text_of(memory.get(input="What is my customer id?"))
    assert memory.get_all()[0] == rules


def test_reset_deletes_one_session() -> None:
    both = conversation()
    ann, ben = (RagthriftMemory(both, session=name) for name in ("ann", "ben"))
    ann.put_messages(HI)
    ben.put_messages(HI)
    ann.reset()
    assert ann.get_all() == []
    assert ben.get_all() == HI


async def test_awaited() -> None:
    memory = RagthriftMemory(conversation())
    await memory.aset(HI)
    await memory.aput(ChatMessage(SAID))
    await memory.aput_messages([answer("Noted."), ChatMessage("Who am I?")])
    assert await memory.aget_all() == memory.get_all()
    assert text_of(await memory.aget(input="Who am I?")).endswith("Noted.\nWho am I?")
    await memory.areset()
    assert await memory.aget_all() == []


async def test_awaited_at_once_loses_nothing() -> None:
    memory = RagthriftMemory(conversation())
    await memory.aset(HI)
    said = [ChatMessage(small_talk(n)) for n in range(20)]
    asking = [memory.aget(input=f"What of day {n}?") for n in range(20)]
    await asyncio.gather(*(memory.aput(message) for message in said), *asking)
    kept = memory.get_all()
    assert kept[:2] == HI
    assert sorted(text_of([m]) for m in kept[2:]) == sorted(text_of([m]) for m in said)


def test_from_defaults_plans_by_the_model() -> None:
    memory = RagthriftMemory.from_defaults(HI, llm=MockLLM(max_tokens=900))
    marks = memory.conversation.policy.watermarks
    assert (marks.low, marks.high, marks.limit) == (450, 2250, 3000)
    assert memory.get_all() == HI
    memory.close()


def test_an_empty_history_leaves_the_session() -> None:
    both = conversation()
    RagthriftMemory(both, session="ann").put_messages(HI)
    assert RagthriftMemory.from_defaults([], conversation=both, session="ann").get_all() == HI


def test_only_its_own_transcript_is_closed() -> None:
    given = conversation()
    with RagthriftMemory(given) as memory:
        memory.put_messages(HI)
    assert memory.get_all() == HI
    with RagthriftMemory() as own:
        own.put_messages(HI)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        own.get_all()


def test_what_is_unknown_or_contradicts_is_refused() -> None:
    with pytest.raises(InputError, match="tokens"):
        RagthriftMemory.from_defaults(tokens=3)
    with pytest.raises(InputError, match="own transcript"):
        RagthriftMemory(conversation(), path="talk.db")
