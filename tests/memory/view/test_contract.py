"""The contract of a memory, kept by the memory with several summarisers and budgets."""

import pytest

from ragthrift.memory.llm_summariser import LLMSummariser
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.room import Room
from ragthrift.protocols import Memory
from ragthrift.testing import MemoryContract, ScriptedLLM
from tests.memory.view.talks import ROOM, Counting, answer, small


class TestByCounting(MemoryContract):
    def make(self) -> Memory:
        return ConversationMemory(summariser=Counting(), policy=small(120, 60), room=ROOM)


class TestByDefault(MemoryContract):
    def make(self) -> Memory:
        return ConversationMemory(policy=small(200, 90), room=Room(summary=40, recall=60, clip=60))


class TestByModel(MemoryContract):
    def make(self) -> Memory:
        llm = ScriptedLLM(answer("They talk of soup.", {"text": "No gluten", "turns": [1]}))
        return ConversationMemory(summariser=LLMSummariser(llm), policy=small(150, 60), room=ROOM)


class TestByAFailingModel(MemoryContract):
    def make(self) -> Memory:
        llm = ScriptedLLM(lambda messages: TimeoutError("too slow"))
        return ConversationMemory(summariser=LLMSummariser(llm), policy=small(120, 60), room=ROOM)


def test_the_contract_is_about_short_views_too() -> None:
    conversation = list(MemoryContract.conversation)
    memory = TestByCounting().make()
    assert len(memory.condense(conversation)) < len(conversation)


@pytest.mark.parametrize("make", [TestByDefault, TestByModel])
def test_the_others_cut_as_well(make: type[MemoryContract]) -> None:
    conversation = list(MemoryContract.conversation)
    assert len(make().make().condense(conversation)) < len(conversation)
