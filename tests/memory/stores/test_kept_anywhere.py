"""The contract of a memory, and the same views, wherever the conversation is kept."""

import uuid
from collections.abc import Callable

import pytest

from ragthrift.memory import ConversationMemory, LoggedTranscript, RedisTranscript, Transcript
from ragthrift.protocols import Memory
from ragthrift.testing import MemoryContract
from tests.cache.servers import Server
from tests.memory.stores.places import SERVERS, ListLog
from tests.memory.view.talks import ROOM, Counting, chat, small


class OnRedis(MemoryContract):
    kind = ""
    url = ""

    @pytest.fixture(autouse=True)
    def _server(self, server_of: Callable[[str], Server]) -> None:
        self.url = server_of(SERVERS[self.kind]).url

    def make(self) -> Memory:
        transcript = RedisTranscript(self.url, prefix=uuid.uuid4().hex)
        return ConversationMemory(
            summariser=Counting(), policy=small(120, 60), room=ROOM, transcript=transcript
        )


class TestOnRedis(OnRedis):
    kind = "redis"


class TestOnValkey(OnRedis):
    kind = "valkey"


class TestInAMessageStore(MemoryContract):
    def make(self) -> Memory:
        transcript = LoggedTranscript(ListLog())
        return ConversationMemory(
            summariser=Counting(), policy=small(120, 60), room=ROOM, transcript=transcript
        )


def test_views_are_the_same_as_by_default(transcript: Transcript) -> None:
    settings = {"policy": small(), "room": ROOM, "clock": lambda: 5.0}
    memory = ConversationMemory(transcript=transcript, **settings)  # type: ignore[arg-type]
    plain = ConversationMemory(**settings)  # type: ignore[arg-type]
    talk = chat(40)
    for end in range(2, len(talk), 2):
        assert memory.view("one", talk[:end]) == plain.view("one", talk[:end])
        assert memory.after("one", talk[: end + 1]).result(30) == plain.after(
            "one", talk[: end + 1]
        ).result(30)
    assert memory.report("one") == plain.report("one")
    assert memory.report("one").account.compactions > 3
    assert memory.view("one") == plain.view("one")
    memory.close()
    plain.close()


def test_what_is_remembered_is_condensed_by_whoever_opens_it_later(
    open_transcript: Callable[[], Transcript],
) -> None:
    for talk in (chat(12)[1:], chat(40)[25:]):
        memory = ConversationMemory(
            summariser=Counting(["allergic to peanuts"]),
            policy=small(),
            room=ROOM,
            transcript=open_transcript(),
        )
        for message in talk:
            memory.remember("one", [message])
        assert memory.compact("one")
        assert "allergic to peanuts" in memory.view("one")[0].content
        memory.close()
    assert [turn.message for turn in open_transcript().load("one").turns] == chat(40)[1:]
