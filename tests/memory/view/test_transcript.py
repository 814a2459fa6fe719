"""Every store: nothing is lost, by threads, by processes, or by a damaged file."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ragthrift import InputError, Message, ToolCall
from ragthrift.memory.account import Account
from ragthrift.memory.segment import Fact, Segment
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.state import ViewState
from ragthrift.memory.transcript import Stored, Transcript
from ragthrift.memory.turn import turns_of
from ragthrift.testing.samples import ODD_TEXTS
from tests.memory.view.talks import COUNTER, chat

ROOT = Path(__file__).parents[3]
TALK = turns_of(chat(3)[1:], COUNTER, at=5.0)
SEGMENT = Segment.of([t.id for t in TALK[:2]], "Soup.", [Fact("id 4711", (TALK[0].id,))], 2)


def test_it_is_a_transcript(transcript: Transcript) -> None:
    assert isinstance(transcript, Transcript)


def test_what_is_appended_is_loaded_after_a_restart(
    open_transcript: Callable[[], Transcript],
) -> None:
    first = open_transcript()
    first.append("one", TALK[:3])
    first.append("one", TALK)
    assert first.save_view("one", ViewState(1, (SEGMENT,)))
    first.spend("one", Account(calls=2, full_tokens=9))
    first.close()
    again = open_transcript()
    assert again.load("one").turns == tuple(TALK)
    assert again.load("one").state == again.state("one") == ViewState(1, (SEGMENT,))
    assert again.account("one") == Account(calls=2, full_tokens=9)
    assert again.sessions() == ["one"]
    assert again.load("two").turns == ()


def test_an_answer_made_anew_is_a_branch_and_the_old_one_stays(transcript: Transcript) -> None:
    other = [*chat(3)[1:-1], Message("assistant", "Something else.")]
    transcript.append("one", TALK)
    transcript.append("one", turns_of(other, COUNTER, at=6.0))
    assert [t.message for t in transcript.load("one").turns] == other
    assert [t.at for t in transcript.load("one").turns] == [5.0] * 5 + [6.0]
    transcript.append("one", TALK)
    assert transcript.load("one").turns == tuple(TALK)


def test_what_follows_can_be_appended_alone(transcript: Transcript) -> None:
    transcript.append("one", TALK[:2])
    more = turns_of([t.message for t in TALK[2:]], COUNTER, at=5.0, after=TALK[1].id)
    assert more == TALK[2:]
    transcript.append("one", more, after=TALK[1].id)
    assert transcript.load("one").turns == tuple(TALK)


def test_odd_messages_come_back_as_they_were(transcript: Transcript) -> None:
    calls = (ToolCall("a", "menu", '{"day": "mañana"}'),)
    talk = [Message("assistant", text, calls) for text in ODD_TEXTS.values()]
    talk.append(Message("tool", "", tool_call_id="a"))
    transcript.append("one", turns_of(talk, COUNTER, at=0.0))
    assert [t.message for t in transcript.load("one").turns] == talk


def test_what_a_user_asks_to_forget_is_gone_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "talks.db"
    transcript = SqliteTranscript(path)
    secret = turns_of([Message("user", "My password is swordfish.")], COUNTER, at=0.0)
    for name in ("one", "two"):
        transcript.append(name, TALK)
        transcript.append(name, secret)
        transcript.save_view(name, ViewState(1, (SEGMENT,)))
    transcript.forget("one")
    assert transcript.load("one") == Stored()
    assert transcript.account("one") == Account()
    assert transcript.sessions() == ["two"]
    assert len(transcript.load("two").turns) == 1
    transcript.forget("two")
    transcript.close()
    assert not list(tmp_path.glob("*-wal"))
    assert b"swordfish" not in path.read_bytes()


def test_a_state_that_is_not_the_next_one_is_refused(transcript: Transcript) -> None:
    assert transcript.save_view("one", ViewState(1, (SEGMENT,)))
    assert not transcript.save_view("one", ViewState(1, ()))
    assert not transcript.save_view("one", ViewState(3, ()))
    assert transcript.state("one").segments == (SEGMENT,)


def test_one_holds_the_lock_until_it_lets_go_or_is_gone_for_long() -> None:
    now = [0.0]
    transcript = SqliteTranscript(lease_seconds=10, clock=lambda: now[0])
    with transcript.lock("one") as first:
        assert first
        with transcript.lock("one") as second, transcript.lock("two") as other:
            assert (second, other) == (False, True)
        now[0] = 11.0
        with transcript.lock("one") as third:
            assert third
    with transcript.lock("one") as fourth:
        assert fourth


def test_threads_lose_nothing(transcript: Transcript) -> None:
    def work(name: str) -> None:
        for end in range(1, len(TALK) + 1):
            transcript.append(name, TALK[:end])
            transcript.spend("all", Account(calls=1))

    threads = [threading.Thread(target=work, args=(f"s{n % 4}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert transcript.account("all").calls == 8 * len(TALK)
    for n in range(4):
        known = {turn.id for turn in transcript.load(f"s{n}").turns}
        assert known <= {turn.id for turn in TALK}
        transcript.append(f"s{n}", TALK)
        assert transcript.load(f"s{n}").turns == tuple(TALK)


WRITING = """
import sys
from ragthrift.memory.account import Account
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from tests.memory.view.test_transcript import TALK

transcript = SqliteTranscript(sys.argv[1])
for _ in range(30):
    transcript.append(sys.argv[2], TALK)
    transcript.append("shared", TALK)
    transcript.spend("shared", Account(calls=1))
"""


def test_processes_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "talks.db")
    running = [
        subprocess.Popen([sys.executable, "-c", WRITING, path, f"own{n}"], cwd=ROOT)
        for n in range(3)
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    transcript = SqliteTranscript(path)
    assert transcript.sessions() == ["own0", "own1", "own2", "shared"]
    assert all(transcript.load(name).turns == tuple(TALK) for name in transcript.sessions())
    assert transcript.account("shared").calls == 90
    transcript.close()


def test_another_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, foreign = tmp_path / "notes.txt", tmp_path / "foreign.db"
    text.write_text("not a database at all, " * 100)
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE own (x)")
    db.close()
    for path in (text, foreign):
        before = path.read_bytes()
        with pytest.raises(InputError, match="another file"):
            SqliteTranscript(path)
        assert path.read_bytes() == before
