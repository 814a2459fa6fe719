"""What only a Redis transcript promises: forgetting, leases, clusters, and what it refuses."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from ragthrift import InputError, Message, MissingExtraError
from ragthrift.memory import Account, Fact, RedisTranscript, Segment, Stored, ViewState, turns_of
from tests.cache.servers import Server, free_port, running
from tests.memory.stores.places import SERVERS
from tests.memory.view.talks import COUNTER, chat

TALK = turns_of(chat(600)[1:], COUNTER, at=5.0)
SEGMENT = Segment.of([t.id for t in TALK[:2]], "Soup.", [Fact("id 4711", (TALK[0].id,))], 2)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, server_of: Callable[[str], Server]) -> Server:
    server = server_of(SERVERS[request.param])
    with server.client as client:
        client.flushall()
    return server


@pytest.fixture
def open_it(server: Server) -> Iterator[Callable[..., RedisTranscript]]:
    opened: list[RedisTranscript] = []

    def opening(**settings: object) -> RedisTranscript:
        opened.append(RedisTranscript(server.url, **settings))  # type: ignore[arg-type]
        return opened[-1]

    yield opening
    for transcript in opened:
        transcript.close()


def kept_in(server: Server) -> dict[str, bytes]:
    with server.client as client:
        return {key.decode(): client.dump(key) for key in client.keys("*")}


def test_a_long_talk_is_kept_at_once_and_grows(open_it: Callable[..., RedisTranscript]) -> None:
    transcript = open_it()
    transcript.append("one", TALK[:-1])
    transcript.append("one", TALK)
    assert transcript.load("one").turns == tuple(TALK)
    for lacking in (3, 4, 5, 31, 32, 33, 300):
        transcript.forget("one")
        transcript.append("one", TALK[:-lacking])
        transcript.append("one", TALK)
        assert transcript.load("one").turns == tuple(TALK)


def test_what_a_user_asks_to_forget_is_gone(
    server: Server, open_it: Callable[..., RedisTranscript]
) -> None:
    transcript = open_it()
    transcript.append("one", TALK[:2])
    before = kept_in(server)
    transcript.append("two", turns_of([Message("user", "swordfish")], COUNTER, at=0.0))
    transcript.save_view("two", ViewState(1, (SEGMENT,)))
    transcript.spend("two", Account(calls=1))
    with transcript.lock("two"):
        assert len(kept_in(server)) == len(before) + 4
        transcript.forget("two")
    assert kept_in(server) == before
    assert transcript.load("two") == Stored()
    assert transcript.account("two") == Account()
    assert transcript.sessions() == ["one"]


def test_a_talk_that_goes_on_after_another_forgot_it_is_listed(
    open_it: Callable[..., RedisTranscript],
) -> None:
    transcript = open_it()
    transcript.append("one", TALK[:2])
    open_it().forget("one")
    transcript.append("one", TALK[:4])
    assert transcript.sessions() == ["one"]
    assert transcript.load("one").turns == tuple(TALK[:4])


class Meddling(redis.Redis):
    """Another forgets the session right after it was listed."""

    def sadd(self, name: Any, *values: Any) -> Any:
        added = super().sadd(name, *values)
        if values == (b"one",) and self.exists("meddled") == 0:
            self.set("meddled", 1)
            RedisTranscript(self).forget("one")
        return added


def test_no_session_has_turns_and_no_name(server: Server) -> None:
    with Meddling(port=server.port) as client:
        transcript = RedisTranscript(client)
        transcript.append("one", TALK[:2])
        assert client.exists("meddled")
        assert transcript.load("one").turns == tuple(TALK[:2])
        assert transcript.sessions() == ["one"]


def test_one_holds_the_lock_until_it_lets_go_or_is_gone_for_long(
    open_it: Callable[..., RedisTranscript],
) -> None:
    transcript, other = open_it(lease_seconds=0.3), open_it()
    with transcript.lock("one") as first:
        assert first
        with other.lock("one") as second, other.lock("two") as elsewhere:
            assert (second, elsewhere) == (False, True)
        time.sleep(0.4)
        late = other.lock("one")
        assert late.__enter__()
    with transcript.lock("one") as fourth:
        assert not fourth, "who came late gave another's lease back"
    late.__exit__(None, None, None)
    with transcript.lock("one") as fifth:
        assert fifth


def test_what_is_asked_again_since_no_answer_came_is_no_refusal(
    open_it: Callable[..., RedisTranscript],
) -> None:
    transcript = open_it()
    assert transcript.save_view("one", ViewState(1, (SEGMENT,)))
    assert transcript.save_view("one", ViewState(1, (SEGMENT,)))
    assert not transcript.save_view("one", ViewState(1, ()))
    assert transcript.state("one") == ViewState(1, (SEGMENT,))


def test_any_name_is_a_session_and_prefixes_do_not_mix(
    open_it: Callable[..., RedisTranscript],
) -> None:
    names = ["", "{a}", "a:turns", "{", "ann\ud800", "a" * 3000]
    transcript = open_it()
    for name in names:
        transcript.append(name, turns_of([Message("user", name)], COUNTER, at=0.0))
    assert transcript.sessions() == sorted(names)
    assert [transcript.load(name).turns[0].message.content for name in names] == names
    assert open_it(prefix="other").sessions() == []


def test_a_client_that_was_given_stays_open(server: Server) -> None:
    with server.client as client:
        transcript = RedisTranscript(client)
        transcript.append("one", TALK[:2])
        transcript.close()
        assert transcript.load("one").turns == tuple(TALK[:2])


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(InputError, match="decode_responses=False"):
        RedisTranscript(redis.Redis(decode_responses=True))
    with pytest.raises(InputError, match="no Redis client"):
        RedisTranscript(object())  # type: ignore[arg-type]
    for prefix in ("", "{a}", "a:b"):
        with pytest.raises(InputError, match="without braces"):
            RedisTranscript("redis://localhost", prefix=prefix)


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ragthrift\[redis\]"'):
        RedisTranscript("redis://localhost")


@pytest.mark.parametrize("kind", SERVERS.values())
def test_on_a_cluster_each_session_lies_on_one_shard(kind: str, tmp_path: Path) -> None:
    """A cluster refuses scripts and deletions whose keys lie in several slots, on one node, too."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--save", "")
    with running(kind, tmp_path, *options) as server:
        with server.client as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            while node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                time.sleep(0.05)
        client: Any = redis.RedisCluster(host="127.0.0.1", port=server.port)
        transcript = RedisTranscript(client)
        for name in ("ann", "ben", "{eve}"):
            transcript.append(name, TALK[:40])
            assert transcript.save_view(name, ViewState(1, (SEGMENT,)))
            transcript.spend(name, Account(calls=1))
            with transcript.lock(name) as held:
                assert held
                keys = [key for key in client.keys("*") if b"{" in key]
                assert len({client.keyslot(key) for key in keys}) == 1
                assert len(keys) == 4
            assert transcript.load(name) == Stored(tuple(TALK[:40]), ViewState(1, (SEGMENT,)))
            assert transcript.sessions() == [name]
            transcript.forget(name)
        assert client.keys("*") == []
        client.close()
