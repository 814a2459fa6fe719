"""A message store of the application's own: only added to, followed, and never mixed up."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ragthrift import Message, ToolCall
from ragthrift.memory import LoggedTranscript, MessageLog, SqliteTranscript, Turn, turns_of
from tests.memory.stores.places import ListLog
from tests.memory.view.talks import COUNTER, chat

TALK = chat(4)[1:]
OTHER = [*TALK[:5], Message("assistant", "Something else.")]


def turned(talk: Sequence[Message]) -> list[Turn]:
    return turns_of(talk, COUNTER, at=5.0)


def said(transcript: LoggedTranscript, session: str = "one") -> list[Message]:
    return [turn.message for turn in transcript.load(session).turns]


def test_each_message_is_added_once() -> None:
    messages = ListLog()
    assert isinstance(messages, MessageLog)
    transcript = LoggedTranscript(messages)
    for end in (1, 2, 2, 5, 4, 8):
        transcript.append("one", turned(TALK[:end]))
        assert said(transcript) == TALK[:end]
    assert messages.lists == {"one": TALK}
    transcript.close()


def test_a_restart_finds_every_message_and_its_time_stays() -> None:
    messages = ListLog()
    LoggedTranscript(messages).append("one", turned(TALK))
    transcript = LoggedTranscript(messages, counter=COUNTER)
    found = transcript.load("one").turns
    assert [(turn.id, turn.message, turn.tokens) for turn in found] == [
        (turn.id, turn.message, turn.tokens) for turn in turned(TALK)
    ]
    assert transcript.load("one").turns == found
    transcript.append("one", turned(TALK))
    assert messages.lists == {"one": TALK}


def test_what_others_add_is_part_of_the_talk() -> None:
    messages = ListLog()
    transcript = LoggedTranscript(messages)
    transcript.append("one", turned(TALK[:3]))
    messages.add("one", TALK[3:6])
    assert said(transcript) == TALK[:6]
    transcript.append("one", turned(TALK))
    assert messages.lists == {"one": TALK}


def test_what_others_cleared_is_forgotten() -> None:
    messages, derived = ListLog(), SqliteTranscript()
    transcript = LoggedTranscript(messages, derived)
    transcript.append("one", turned(TALK))
    messages.clear("one")
    assert said(transcript) == []
    assert transcript.sessions() == derived.sessions() == []
    transcript.append("one", turned(TALK[:2]))
    assert messages.lists == {"one": TALK[:2]}


def test_what_others_wrote_anew_is_the_talk() -> None:
    messages = ListLog()
    transcript = LoggedTranscript(messages)
    transcript.append("one", turned(TALK))
    messages.lists["one"] = [*OTHER, *chat(6)[9:]]
    assert said(transcript) == messages.lists["one"]
    messages.lists["one"] = messages.lists["one"][:2]
    assert said(transcript) == TALK[:2]


def test_what_follows_a_talk_that_was_cleared_meanwhile_is_added() -> None:
    messages = ListLog()
    transcript, talk = LoggedTranscript(messages), turned(TALK)
    transcript.append("one", talk[:4])
    messages.clear("one")
    transcript.append("one", talk[4:6], after=talk[3].id)
    assert messages.lists == {"one": TALK[4:6]}
    assert said(transcript) == TALK[4:6]


def test_what_a_user_asks_to_forget_is_gone_in_both_places(tmp_path: Path) -> None:
    messages, path = ListLog(), tmp_path / "derived.db"
    derived = SqliteTranscript(path)
    transcript = LoggedTranscript(messages, derived)
    transcript.append("one", turned([Message("user", "swordfish")]))
    transcript.forget("one")
    assert messages.lists == {}
    transcript.close()
    assert derived.load("one").turns == (), "a derived that was given stays open"
    derived.close()
    assert b"swordfish" not in path.read_bytes()


def test_a_branch_stays_beside_the_store(caplog: pytest.LogCaptureFixture) -> None:
    messages, derived = ListLog(), SqliteTranscript()
    transcript = LoggedTranscript(messages, derived)
    transcript.append("one", turned(TALK))
    branch = [*OTHER, *chat(6)[9:]]
    for end in range(6, len(branch) + 1):
        transcript.append("one", turned(branch[:end]))
        assert said(transcript) == branch[:end]
    assert messages.lists == {"one": TALK}
    assert caplog.text.count("left what its message store holds after 5 messages") == 1
    again = LoggedTranscript(messages, derived)
    assert said(again) == branch
    again.append("one", turned([*branch, *TALK[:1]]))
    assert said(again) == [*branch, *TALK[:1]]
    more = [*TALK, Message("user", "And bread?")]
    again.append("one", turned(more))
    assert said(again) == more
    assert messages.lists == {"one": more}


def test_a_question_that_is_taken_back_and_asked_later_is_added_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages = ListLog()
    transcript = LoggedTranscript(messages)
    talk = turned(TALK)
    transcript.append("one", talk[:5])
    transcript.append("one", talk[3:4], after=talk[2].id)
    assert said(transcript) == TALK[:4]
    transcript.append("one", talk[4:6], after=talk[3].id)
    assert said(transcript) == TALK[:6]
    assert messages.lists == {"one": TALK[:6]}
    assert not caplog.records


def test_rules_that_the_store_begins_with_are_no_branch() -> None:
    rules = Message("system", "Be brief.")
    messages = ListLog()
    messages.add("one", [rules, *TALK[:3]])
    transcript = LoggedTranscript(messages)
    assert said(transcript) == [rules, *TALK[:3]]
    transcript.append("one", turned(TALK[:5]))
    assert said(transcript) == TALK[:5]
    assert messages.lists == {"one": [rules, *TALK[:5]]}
    transcript.append("one", turned([rules, *TALK]))
    assert messages.lists == {"one": [rules, *TALK]}


class Rewriting(ListLog):
    """Keeps the arguments of calls as objects."""

    def add(self, session: str, messages: Sequence[Message]) -> None:
        def rewritten(call: ToolCall) -> ToolCall:
            return replace(call, arguments=json.dumps(json.loads(call.arguments), indent=1))

        super().add(
            session,
            [replace(m, tool_calls=tuple(map(rewritten, m.tool_calls))) for m in messages],
        )


def test_a_store_may_write_arguments_anew() -> None:
    messages = Rewriting()
    call = Message("assistant", "", (ToolCall("a", "menu", '{"day":1,"at":"noon"}'),))
    talk = [TALK[0], call, Message("tool", "Soup.", tool_call_id="a"), *TALK[1:]]
    transcript = LoggedTranscript(messages)
    for end in range(1, len(talk) + 1):
        transcript.append("one", turned(talk[:end]))
    assert transcript.load("one").turns == tuple(turned(talk))
    assert len(messages.lists["one"]) == len(talk)


class Failing(ListLog):
    fails = False

    def add(self, session: str, messages: Sequence[Message]) -> None:
        if self.fails:
            raise ConnectionError("the message store is away")
        super().add(session, messages)


def test_what_the_store_did_not_take_is_told_and_added_later() -> None:
    messages = Failing()
    transcript = LoggedTranscript(messages)
    transcript.append("one", turned(TALK[:2]))
    messages.fails = True
    with pytest.raises(ConnectionError, match="is away"):
        transcript.append("one", turned(TALK[:4]))
    messages.fails = False
    assert said(transcript) == TALK[:2]
    transcript.append("one", turned(TALK))
    assert messages.lists == {"one": TALK}


@pytest.mark.parametrize("fresh", [False, True])
def test_what_another_program_said_comes_before_what_was_kept_here(
    fresh: bool, caplog: pytest.LogCaptureFixture
) -> None:
    messages, derived = ListLog(), SqliteTranscript()
    first = LoggedTranscript(messages, derived)
    first.append("one", turned(TALK[:4]))
    LoggedTranscript(messages).append("one", turned(OTHER))
    then = LoggedTranscript(messages, derived) if fresh else first
    with caplog.at_level(logging.WARNING):
        assert said(then) == OTHER
    assert not caplog.records
