"""In LlamaIndex's own `Memory`, which decides what is flushed into the block."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import InsertMethod, Memory, StaticMemoryBlock
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from pydantic import ValidationError

from llama_index_ragthrift.memory import SummaryMemoryBlock
from ragthrift.memory import ExtractiveSummariser, SqliteTranscript, Summary
from ragthrift.memory.view import FACTS, RECALLED, SUMMARY
from tests.llama_index.memory.talks import SAID, Calling, answer, is_whole, small_talk, text_of
from tests.llama_index.memory.test_engines import by_turn, look
from tests.llama_index.route.llms import Scripted

CAT = "Our cat Mimi sleeps in the boiler room."


_OPENED: list[SQLAlchemyChatStore] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    """LlamaIndex leaves its connections open."""
    yield
    while _OPENED:
        engine = _OPENED.pop()._async_engine
        if engine is not None:
            await engine.dispose()


def a_memory(*blocks: Any, file: Path | None = None, **fields: Any) -> Memory:
    """Flushes a few turns at a time."""
    settings = {"token_limit": 1200, "token_flush_size": 150, "chat_history_token_ratio": 0.3}
    store = SQLAlchemyChatStore(
        "llama_index_memory", f"sqlite+aiosqlite:///{file}" if file else None
    )
    _OPENED.append(store)
    memory = Memory.from_defaults(
        session_id="ann", memory_blocks=list(blocks), **(settings | fields)
    )
    memory.sql_store = store
    return memory


async def talked(memory: Memory, block: SummaryMemoryBlock, turns: int = 60) -> None:
    await memory.aput_messages([ChatMessage(SAID), answer("Noted."), ChatMessage(CAT)])
    await memory.aput(answer("Sweet."))
    for n in range(turns):
        await memory.aput_messages([ChatMessage(small_talk(n)), answer(f"Number {n}, I see.")])
        block.conversation.close()  # waits for the summary; a given transcript stays open


@pytest.fixture
def transcript() -> SqliteTranscript:
    return SqliteTranscript()


async def test_what_was_flushed_long_ago_is_answerable(transcript: SqliteTranscript) -> None:
    block = SummaryMemoryBlock(transcript=transcript)
    memory = a_memory(block)
    await talked(memory, block)
    plain = text_of(await memory.aget())
    assert "<summary>" in plain
    assert FACTS in plain
    assert "4711" in plain
    assert "peanuts" in plain
    assert "boiler" not in plain
    assert "boiler room" in text_of(await memory.aget(input="Where does Mimi sleep?"))
    await memory.aput(ChatMessage("Where does Mimi sleep?"))
    assert RECALLED in text_of(await memory.aget())
    assert block.conversation.report("ann").account.compactions >= 5


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    talk, flushed = tmp_path / "talk.db", str(tmp_path / "flushed.db")
    block = SummaryMemoryBlock(path=flushed)
    memory = a_memory(block, file=talk)
    await memory.aput_messages([ChatMessage(SAID), answer("Noted."), ChatMessage(CAT)])
    for n in range(30):
        await memory.aput_messages([answer(f"Number {n}, I see."), ChatMessage(small_talk(n))])
    block.close()
    with SummaryMemoryBlock(path=flushed) as again:
        restored = a_memory(again, file=talk)
        text = text_of(await restored.aget(input="Where does Mimi sleep?"))
        kept = [turn.message.content for turn in again.conversation.transcript.load("ann").turns]
    assert "4711" in text
    assert "boiler room" in text
    active = [message.content for message in await restored.aget_all()]
    everything = [SAID, "Noted.", CAT]
    for n in range(30):
        everything += [f"Number {n}, I see.", small_talk(n)]
    assert kept == everything[: len(kept)]
    assert active == everything or kept + active == everything


async def test_sessions_are_kept_apart(transcript: SqliteTranscript) -> None:
    block = SummaryMemoryBlock(transcript=transcript)
    await block.aput([ChatMessage(SAID), answer("Noted.")], session_id="ann")
    await block.aput([ChatMessage("I am vegan."), answer("Noted.")])
    block.close()
    assert "4711" in await block.aget(session_id="ann")
    assert "4711" not in await block.aget()
    assert "vegan" in await block.aget()
    assert await block.aget(session_id="new") == ""
    block.conversation.forget("ann")
    assert await block.aget(session_id="ann") == ""


class Failing(ExtractiveSummariser):
    """Fails until it is mended."""

    mended = False

    def summarise(self, turns: Any, **fields: Any) -> Summary:
        if not self.mended:
            raise TimeoutError("no summary in time")
        return super().summarise(turns, **fields)


async def test_what_has_no_summary_yet_stands_there_word_for_word(
    transcript: SqliteTranscript,
) -> None:
    summariser = Failing()
    block = SummaryMemoryBlock(transcript=transcript, summariser=summariser)
    said = [ChatMessage(CAT), answer("Sweet."), ChatMessage(SAID), answer("Noted.")]
    await block.aput(said, session_id="ann")
    block.close()
    unsummarised = await block.aget(session_id="ann")
    assert [m.content for m in said if m.content and m.content in unsummarised] == [
        m.content for m in said
    ]
    summariser.mended = True
    for _ in range(8):
        text = await block.aget(session_id="ann")
    assert FACTS in text
    assert CAT not in text or SUMMARY in text
    assert block.conversation.report("ann").account.failures >= 1


async def test_truncation_gives_up_summaries_first_and_facts_last(
    transcript: SqliteTranscript,
) -> None:
    block = SummaryMemoryBlock(transcript=transcript)
    memory = a_memory(block)
    await talked(memory, block)
    text = await block.aget([ChatMessage("Where does Mimi sleep?")], session_id="ann")
    assert SUMMARY in text
    assert RECALLED in text
    shorter = await block.atruncate(text, 1)
    assert shorter is not None
    assert shorter.count(SUMMARY) == text.count(SUMMARY) - 1
    assert RECALLED in shorter
    least = [text]
    while (last := await block.atruncate(least[-1], 1)) is not None:
        least.append(last)
    assert least[-1].startswith(FACTS)
    assert "4711" in least[-1]
    assert SUMMARY not in least[-1]
    assert RECALLED not in least[-1]
    assert await block.atruncate(text, 9999) is None


@pytest.mark.parametrize(("priority", "stays"), [(0, True), (1, False)])
async def test_memory_truncates_by_priority(
    priority: int, stays: bool, transcript: SqliteTranscript
) -> None:
    block = SummaryMemoryBlock(transcript=transcript, priority=priority)
    await block.aput([ChatMessage(SAID), answer("Noted.")], session_id="ann")
    block.close()
    house = StaticMemoryBlock(
        name="house", static_content=[TextBlock(text="soup " * 80)], priority=0
    )
    memory = a_memory(block, house, token_limit=90)
    assert ("4711" in text_of(await memory.aget())) is stays


async def test_only_as_much_goes_as_the_limit_asks_for(transcript: SqliteTranscript) -> None:
    block = SummaryMemoryBlock(transcript=transcript)
    filled = a_memory(block)
    await talked(filled, block)
    whole = text_of(await a_memory(block).aget())
    tokens = len(filled.tokenizer_fn(await block.aget(session_id="ann")))
    short = text_of(await a_memory(block, token_limit=tokens - 5).aget())
    assert whole.count(SUMMARY) > short.count(SUMMARY)
    assert "4711" in short


def test_pictures_and_tools_are_flushed_with_what_can_be_told(
    transcript: SqliteTranscript,
) -> None:
    block = SummaryMemoryBlock(transcript=transcript)
    nameless = ChatMessage(role=MessageRole.TOOL, content="Soup is hot.")
    picture = ChatMessage([ImageBlock(url="file:///a.png")])
    memory = a_memory(block, insert_method=InsertMethod.USER, chat_history_token_ratio=0.01)
    memory.put_messages([picture, answer("A soup."), ChatMessage("Hot?"), nameless])
    memory.put_messages([answer("Yes, hot."), ChatMessage(small_talk(1)), answer("Nice.")])
    block.close()
    kept = [turn.message.content for turn in transcript.load("ann").turns]
    assert kept == ["[image]", "A soup.", "Hot?", "Soup is hot.", "Yes, hot."]
    assert "Yes, hot." in text_of(memory.get(input="Is the soup hot?"))


def test_in_a_chat_engine(transcript: SqliteTranscript) -> None:
    llm, block = Scripted("Nice."), SummaryMemoryBlock(transcript=transcript)
    memory = a_memory(block, insert_method=InsertMethod.USER)
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
    engine.chat(SAID)
    for n in range(40):
        engine.chat(small_talk(n))
        block.close()
    engine.chat("What is my customer id?")
    assert "4711" in text_of(llm.asked[-1][1][-1:])
    assert len(llm.asked[-1][1]) < 40


async def test_in_an_agent_with_parallel_calls(transcript: SqliteTranscript) -> None:
    llm, block = Calling(by_turn), SummaryMemoryBlock(transcript=transcript)
    memory = a_memory(block)
    agent = FunctionAgent(llm=llm, tools=[look])
    await agent.run(SAID, memory=memory)
    for n in range(10):
        await agent.run(small_talk(n), memory=memory)
        block.close()
    await agent.run("What is my customer id?", memory=memory)
    assert "4711" in text_of(llm.asked[-1][1])
    assert all(is_whole(messages) for _, messages, _ in llm.asked)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="tokens"):
        SummaryMemoryBlock(tokens=3)  # type: ignore[call-arg]
