"""A memory that sends little of a conversation, forgets none of it, and keeps caches warm."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache, partial
from typing import Self

from ragthrift.errors import InputError
from ragthrift.failures import Tally
from ragthrift.memory.account import Account
from ragthrift.memory.adoption import adopted
from ragthrift.memory.background import Background
from ragthrift.memory.billed import Billed
from ragthrift.memory.booking import booked
from ragthrift.memory.clip import HANDLE_LENGTH
from ragthrift.memory.compactor import Compactor
from ragthrift.memory.gate import worth_recalling
from ragthrift.memory.groups import last_user
from ragthrift.memory.policy import Policy, Verdict
from ragthrift.memory.recall import Recall
from ragthrift.memory.recalling import Gate, Recaller, recalled_for
from ragthrift.memory.report import MemoryReport, report_of
from ragthrift.memory.room import Room
from ragthrift.memory.sqlite_transcript import SqliteTranscript
from ragthrift.memory.state import ViewState
from ragthrift.memory.summariser import Summariser
from ragthrift.memory.talk import Talks
from ragthrift.memory.transcript import Transcript
from ragthrift.memory.turn import Turn, message_tokens, rules_of, turns_of
from ragthrift.memory.view import Cut, cut_of, view_of
from ragthrift.pipeline import OnError
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Passage

_COUNTED = 4096
"""Messages whose tokens are not counted again."""


class ConversationMemory:
    """Turns stay word for word in a transcript; what is sent is derived from it.

    >>> with ConversationMemory() as memory:
    ...     talk = [Message("user", "Hi, I am Ann."), Message("assistant", "Hello Ann!")]
    ...     memory.view("ann", [*talk, Message("user", "Who am I?")])[-1].content
    'Who am I?'

    Call `view` before each call of the model, with the whole conversation, and `after` when the
    answer was sent: it makes a summary in the background where `policy` finds that it pays, and
    the next view has it. `condense` does both at once, for a conversation without a name.

    `summariser` is free and asks no model by default; `recall` fetches old turns back where `gate`
    lets a question pay for them. A memory that fails in a chain sends the whole conversation, says
    so once and counts it, or raises by `on_error="raise"`. Safe for threads; with a transcript on
    disk, for processes, too.
    """

    def __init__(  # noqa: PLR0913 - one argument for each part that can be replaced
        self,
        *,
        summariser: Summariser | None = None,
        recall: Recaller | None = None,
        gate: Gate = worth_recalling,
        transcript: Transcript | None = None,
        policy: Policy | None = None,
        room: Room | None = None,
        counter: TokenCounter | None = None,
        clock: Callable[[], float] = time.time,
        on_error: OnError = "pass",
    ) -> None:
        self.policy = policy or Policy()
        self.room = room or Room()
        self.tally = Tally("memory", on_error)
        """What failed where an adapter sent the whole conversation instead."""
        self._own = transcript is None
        self.transcript = SqliteTranscript() if transcript is None else transcript
        self._counter = counter or EstimatedTokens()
        self._summariser = summariser or _free(self._counter)
        self._recaller = recall or Recall()
        self._gate = gate
        self._clock = clock
        self._talks = Talks()
        self._background = Background()
        self._tokens = lru_cache(_COUNTED)(partial(message_tokens, counter=self._counter))
        self._compactor = Compactor(
            self.transcript,
            self._summariser,
            self._talks,
            policy=self.policy,
            room=self.room,
            counter=self._counter,
            tokens=self._tokens,
        )

    def view(
        self,
        session: str,
        messages: Sequence[Message] | None = None,
        *,
        passages: Sequence[Passage] = (),
        counted: bool = True,
    ) -> list[Message]:
        """What to send for a conversation; `None` is what was remembered of it.

        `passages` are those that the prompt holds: what they say is not recalled. Who only looks,
        and calls no model, leaves it out of the report by `counted=False`.
        """
        rules, turns = self._kept(session, messages)
        cut = cut_of(turns, self.transcript.state(session))
        limit = self.policy.watermarks.limit
        if limit and self._sum(self._view(rules, cut)) > limit and self.compact(session):
            cut = cut_of(turns, self.transcript.state(session))
        full = [*rules, *(turn.message for turn in turns)]
        sent, recalled = self._shortest(full, rules, cut, passages)
        if counted:
            self._book(session, full, sent, cut=cut, recalled=recalled)
        return sent

    def remember(self, session: str, messages: Sequence[Message]) -> None:
        """Keep messages that follow what is remembered, for who does not hold the conversation."""
        turns = self.transcript.load(session).turns
        after = turns[-1].id if turns else ""
        added = turns_of(messages, self._counter, at=self._clock(), after=after)
        self.transcript.append(session, added, after=after)

    def after(self, session: str, messages: Sequence[Message] | None = None) -> "Future[bool]":
        """Summarise in the background if it pays; whether it was done is in the future.

        `messages` is the whole conversation with the answer; without it, the answer is kept when
        the next view is asked for.
        """
        if messages is not None:
            self._kept(session, messages)
        return self._background.start(lambda: self.compact(session))

    def compact(self, session: str) -> bool:
        """Summarise now if it pays; False if it does not, failed, or another is at it already."""
        return self._compactor.compact(session)

    def explain(self, session: str) -> Verdict:
        """Whether the next `after` will summarise, and the sum that decides."""
        return self._compactor.verdict(session)

    def fetch(self, session: str, handle: str) -> Message:
        """A whole message, by the handle that stands where it was cut short, or a turn's id."""
        for turn in reversed(self.transcript.load(session).turns):
            if turn.id.startswith(handle) and len(handle) >= HANDLE_LENGTH:
                return turn.message
        raise InputError(f"no message of {session!r} has the handle {handle!r}; copy it whole")

    def derived(self, session: str) -> ViewState:
        """What was made of a session so far, for who keeps it elsewhere, too."""
        return self.transcript.state(session)

    def adopt(self, session: str, state: ViewState) -> bool:
        """Take over what another memory `derived` from the conversation; whether any was new.

        It need not have been remembered here yet. Nothing that was made here is lost; segments of
        other conversations or branches stand for no turn of this one.
        """
        return adopted(self.transcript, session, state)

    def report(self, session: str | None = None) -> MemoryReport:
        """What was saved, net of what summaries cost; `None` for all sessions."""
        names = self.transcript.sessions() if session is None else [session]
        account = sum(map(self.transcript.account, names), Account())
        billed = isinstance(self._summariser, Billed)
        price = self._summariser.price if isinstance(self._summariser, Billed) else None
        return report_of(
            account, self.policy.caching, price or (self.policy.caching.price if billed else None)
        )

    def forget(self, session: str) -> None:
        """Delete all of a session, because its user asked for it; nothing else deletes."""
        self.transcript.forget(session)
        del self._talks[session]

    def condense(self, messages: Sequence[Message]) -> list[Message]:
        """What to send for a conversation that is known by its beginning alone.

        It waits for the summary, where one is needed. The conversation is kept like any other,
        under a name that begins with `condense:`.
        """
        if not messages:
            return []
        spoken = messages[len(rules_of(messages)) :]
        session = f"condense:{turns_of(spoken[:2], self._counter, at=0.0)[-1].id}" if spoken else ""
        self._kept(session, messages)
        self.compact(session)
        return self.view(session, messages)

    def close(self, timeout: float | None = None) -> None:
        """Wait for summaries under way, so many seconds at most; a given transcript stays open."""
        self._background.close(timeout)
        if self._own:
            self.transcript.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _kept(
        self, session: str, messages: Sequence[Message] | None
    ) -> tuple[list[Message], list[Turn]]:
        """The rules of a conversation and its turns, which are in the transcript from now on."""
        talk = self._talks[session]
        if messages is None:
            stored = self.transcript.load(session).turns
            rules = rules_of([turn.message for turn in stored])
            turns = list(stored[len(rules) :])
        else:
            rules = rules_of(messages)
            known = {turn.id: turn for turn in talk.turns}
            spoken = messages[len(rules) :]
            turns = turns_of(spoken, self._counter, at=self._clock(), known=known)
            self.transcript.append(session, turns)
        talk.turns, talk.rules = turns, rules
        return rules, turns

    def _shortest(
        self,
        full: list[Message],
        rules: Sequence[Message],
        cut: Cut,
        passages: Sequence[Passage],
    ) -> tuple[list[Message], bool]:
        """The view, with what is recalled where that is worth it; everything if that is shorter."""
        plain = self._view(rules, cut)
        most = self._sum(full)
        if len(plain) > len(full) or self._sum(plain) >= most:
            return full, False
        found = recalled_for(
            cut,
            plain[len(rules) : last_user(plain)],
            self._recaller,
            self._gate,
            max_tokens=self.room.recall,
            counter=self._counter,
            passages=passages,
        )
        sent = self._view(rules, cut, found)
        if not found or len(sent) > len(full) or self._sum(sent) >= most:
            return plain, False
        return sent, True

    def _view(
        self, rules: Sequence[Message], cut: Cut, recalled: Sequence[Turn] = ()
    ) -> list[Message]:
        return view_of(rules, cut, room=self.room, counter=self._counter, recalled=recalled)

    def _book(
        self,
        session: str,
        full: list[Message],
        sent: list[Message],
        *,
        cut: Cut,
        recalled: bool,
    ) -> None:
        talk, now = self._talks[session], self._clock()
        since = now - talk.called
        call = booked(
            talk, full, sent, tokens=self._tokens, caching=self.policy.caching, since=since
        )
        recallable = int(bool(cut.recallable))
        self.transcript.spend(
            session, replace(call, recallable_calls=recallable, recalls=int(recalled))
        )
        talk.full, talk.prompt, talk.called = full, sent, now
        talk.prompted = talk.turns[-1].id if talk.turns else ""
        talk.waits = max(talk.waits - 1, 0)

    def _sum(self, messages: Sequence[Message]) -> int:
        return sum(map(self._tokens, messages))


def _free(counter: TokenCounter) -> Summariser:
    from ragthrift.memory.extractive import ExtractiveSummariser

    return ExtractiveSummariser(counter=counter)
