"""Processes and servers that die: no turn is lost that a transcript had acknowledged."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from ragthrift.memory import (
    Account,
    ConversationMemory,
    RedisTranscript,
    Segment,
    Turn,
    ViewState,
    turns_of,
)
from ragthrift.redis_connection import PAUSE_SECONDS
from tests.cache.servers import Server, running
from tests.memory.stores.places import SERVERS
from tests.memory.view.talks import COUNTER, ROOM, Counting, chat, small
from tests.memory.view.test_faults import TALK, kept

ROOT = Path(__file__).parents[3]
TURNS = turns_of(chat(250)[1:], COUNTER, at=5.0)
DURABLE = {
    "append-only file": ("--appendonly", "yes"),
    "snapshot": ("--save", "3600 1", "--appendonly", "no"),
}

TALKING = """
import sys
from ragthrift.memory import Account, RedisTranscript
from tests.memory.stores.test_redis_faults import talk_of

transcript, name = RedisTranscript(sys.argv[1]), sys.argv[2]
talk = talk_of(name)
for session in (f"own {name}", "shared"):
    before = ""
    for turn in talk:
        transcript.append(session, [turn], after=before)
        transcript.spend(session, Account(calls=1))
        before = turn.id
"""


def talk_of(name: str) -> list[Turn]:
    """500 turns of somebody."""
    return turns_of(chat(250, words=5)[1:], COUNTER, at=5.0, after=name)


@pytest.fixture(params=SERVERS)
def kind(request: pytest.FixtureRequest) -> str:
    return SERVERS[request.param]


def test_two_processes_write_side_by_side_and_to_one_session(
    kind: str, server_of: Callable[[str], Server]
) -> None:
    server = server_of(kind)
    with server.client as client:
        client.flushall()
    talking = [
        subprocess.Popen([sys.executable, "-c", TALKING, server.url, name], cwd=ROOT)
        for name in ("ann", "ben")
    ]
    assert [process.wait(120) for process in talking] == [0, 0]
    transcript = RedisTranscript(server.url)
    assert transcript.sessions() == ["own ann", "own ben", "shared"]
    assert transcript.account("shared") == Account(calls=1000)
    for name in ("ann", "ben"):
        talk = talk_of(name)
        assert len(talk) == 500
        assert transcript.load(f"own {name}").turns == tuple(talk)
        transcript.append("shared", talk[-1:], after=talk[-2].id)  # only says where the talk ends
        assert transcript.load("shared").turns == tuple(talk)
    transcript.close()


DYING = """
import os
import signal
import sys
from ragthrift.memory import ConversationMemory, RedisTranscript
from tests.memory.view.talks import ROOM, Counting, Faulty, small
from tests.memory.view.test_faults import TALK

url, when = sys.argv[1:]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(RedisTranscript):
    def save_view(self, session, state):
        if when == "before":
            die()
        super().save_view(session, state)
        die()


memory = ConversationMemory(
    summariser=Faulty(die) if when == "while" else Counting(),
    policy=small(),
    room=ROOM,
    transcript=Dying(url, lease_seconds=0.2),
)
memory.view("one", TALK)
memory.after("one").result(30)
"""


@pytest.mark.parametrize("when", ["while", "before", "after"])
def test_a_process_that_is_killed_between_computing_and_applying(
    kind: str, when: str, server_of: Callable[[str], Server]
) -> None:
    server = server_of(kind)
    with server.client as client:
        client.flushall()
    done = subprocess.run(
        [sys.executable, "-c", DYING, server.url, when], cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == -9
    time.sleep(0.3)
    transcript = RedisTranscript(server.url)
    memory = ConversationMemory(
        summariser=Counting(), policy=small(), room=ROOM, transcript=transcript
    )
    assert kept(memory) == TALK[1:]
    seen = memory.view("one", TALK)
    if when != "after":
        assert seen == TALK
        assert memory.compact("one"), "the lock of the dead was not taken over"
        seen = memory.view("one", TALK)
    assert len(seen) < len(TALK)
    assert seen[-1] == TALK[-1]
    assert len(transcript.state("one").segments) == 1
    memory.close()
    transcript.close()


@pytest.mark.parametrize("way", DURABLE)
def test_a_server_that_is_started_again_has_everything(kind: str, way: str, tmp_path: Path) -> None:
    segment = Segment.of([TURNS[0].id], "Soup.", [], 2)
    with running(kind, tmp_path, *DURABLE[way]) as server:
        transcript = RedisTranscript(server.url)
        transcript.append("one", TURNS)
        assert transcript.save_view("one", ViewState(1, (segment,)))
        transcript.spend("one", Account(calls=2))
        if way == "snapshot":
            with server.client as client:
                client.save()
        server.kill()
        server.start()
        assert transcript.load("one").turns == tuple(TURNS)
        assert transcript.state("one") == ViewState(1, (segment,))
        assert transcript.account("one") == Account(calls=2)
        assert transcript.sessions() == ["one"]
        transcript.close()


def test_a_server_killed_under_load_loses_no_turn_that_was_acknowledged(
    kind: str, tmp_path: Path
) -> None:
    with running(kind, tmp_path, "--appendonly", "yes") as server:
        transcript = RedisTranscript(server.url)
        acknowledged, stop = [0], threading.Event()

        def talk() -> None:
            while acknowledged[0] < len(TURNS) and not stop.is_set():
                try:
                    transcript.append("one", TURNS[: acknowledged[0] + 1])
                except redis.RedisError:
                    time.sleep(0.05)
                else:
                    acknowledged[0] += 1
                    time.sleep(0.004)

        talking = threading.Thread(target=talk)
        talking.start()
        for _ in range(2):
            while acknowledged[0] < 20:
                time.sleep(0.01)
            server.kill()
            time.sleep(0.1)
            before = acknowledged[0]
            server.start()
            other = RedisTranscript(server.url)
            assert other.load("one").turns[:before] == tuple(TURNS[:before])
            other.close()
            time.sleep(PAUSE_SECONDS + 0.2)
        stop.set()
        talking.join()
        assert transcript.load("one").turns[: acknowledged[0]] == tuple(TURNS[: acknowledged[0]])
        assert acknowledged[0] > before >= 20, "nothing was said after the server came back"
        transcript.close()


def test_a_server_that_is_away_is_told_at_once_and_missed_no_longer_than_need_be(
    kind: str, tmp_path: Path
) -> None:
    with running(kind, tmp_path, "--appendonly", "yes") as server:
        transcript = RedisTranscript(server.url)
        with ConversationMemory(transcript=transcript) as memory:
            memory.view("one", TALK[:3])
            server.kill()
            for _ in range(3):
                with pytest.raises(redis.ConnectionError, match=r"refused|could not be reached"):
                    memory.view("one", TALK[:5])
            with pytest.raises(redis.ConnectionError):
                memory.after("one", TALK[:5]).result(30)
            server.start()
            time.sleep(PAUSE_SECONDS + 0.05)
            assert memory.view("one", TALK[:5]) == TALK[:5]
            assert kept(memory) == TALK[1:5]
        transcript.close()
