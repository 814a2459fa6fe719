"""Decides on a session's summary, has it made, and keeps it."""

import logging
from collections.abc import Callable
from dataclasses import replace

from ragthrift.memory.account import summarised
from ragthrift.memory.clip import clipped
from ragthrift.memory.compaction import Plan, compacted, plan_of, summary_limit, used_by
from ragthrift.memory.policy import Policy, Verdict
from ragthrift.memory.room import Room
from ragthrift.memory.state import ViewState
from ragthrift.memory.summariser import Summariser
from ragthrift.memory.talk import Talks
from ragthrift.memory.transcript import Transcript
from ragthrift.memory.turn import rules_of
from ragthrift.memory.view import cut_of, recent_messages
from ragthrift.memory.weighing import situation_of, summary_dollars
from ragthrift.protocols import TokenCounter
from ragthrift.types import Message

log = logging.getLogger(__name__)


class Compactor:
    """Works on what a transcript holds; whatever fails, that stays as it is."""

    def __init__(
        self,
        transcript: Transcript,
        summariser: Summariser,
        talks: Talks,
        *,
        policy: Policy,
        room: Room,
        counter: TokenCounter,
        tokens: Callable[[Message], int],
    ) -> None:
        self._transcript = transcript
        self._summariser = summariser
        self._talks = talks
        self._policy = policy
        self._room = room
        self._counter = counter
        self._tokens = tokens

    def verdict(self, session: str) -> Verdict:
        """Whether to summarise now."""
        return self._weighed(session)[0]

    def compact(self, session: str) -> bool:
        """Summarise if it pays; False if it does not, failed, or another is at it already."""
        if not self.verdict(session).compact:
            return False
        with self._transcript.lock(session) as held:
            if not held:
                return False
            verdict, plan, state = self._weighed(session)  # another may just have finished
            if verdict.compact and self._clips(verdict, plan):
                return self._transcript.save_view(session, state.with_clipped(plan.turns[-1].id))
            return verdict.compact and self._made(session, plan, state)

    def _weighed(self, session: str) -> tuple[Verdict, Plan, ViewState]:
        stored = self._transcript.load(session)
        turns = stored.turns[len(rules_of([turn.message for turn in stored.turns])) :]
        cut = cut_of(turns, stored.state)
        tokens = [self._tokens(message) for message in recent_messages(cut, self._room)]
        plan = plan_of(cut, self._policy.watermarks.low, tokens)
        return self._verdict(session, plan), plan, stored.state

    def _verdict(self, session: str, plan: Plan) -> Verdict:
        talk = self._talks[session]
        if talk.waits:
            reason = f"{talk.waits} calls until the next try, after a failure: {talk.failure}"
            return Verdict(False, reason)
        dollars = summary_dollars(
            self._summariser,
            plan,
            sum(map(self._tokens, talk.prompt)),
            summary_limit(plan, self._room),
            self._policy.caching,
        )
        situation = situation_of(
            plan,
            rules=talk.rules,
            tokens=self._tokens,
            account=self._transcript.account(session),
            room=self._room,
            counter=self._counter,
            summariser=dollars,
        )
        return self._policy.decide(situation)

    def _clips(self, verdict: Verdict, plan: Plan) -> bool:
        """Whether it is enough to cut long tool results short, which costs nothing."""
        short = sum(self._tokens(clipped(turn, self._room.clip)) for turn in plan.turns)
        saved = plan.old_tokens - short
        now = verdict.situation.tokens if verdict.situation else 0
        return saved > 0 and now - saved <= self._policy.high

    def _made(self, session: str, plan: Plan, state: ViewState) -> bool:
        talk = self._talks[session]
        known = {turn.id for turn in (*plan.cut.old, *plan.cut.recent)}
        prompt = talk.prompt if talk.prompted in known else []  # else another branch's
        try:
            made = compacted(
                plan, self._summariser, room=self._room, counter=self._counter, prompt=prompt
            )
        except Exception as error:  # noqa: BLE001  (whatever it raises, the view stays as it is)
            log.warning("a summary of %r failed and is tried again later: %s", session, error)
            talk.fail(f"{type(error).__name__}: {error}")
            self._transcript.spend(session, summarised(used_by(error), failed=True))
            return False
        if plan.turns[0].id not in {turn.id for turn in self._transcript.load(session).turns}:
            return False  # its user had it forgotten meanwhile
        talk.succeed()
        spent = summarised(made.usage, failed=False)
        self._transcript.spend(
            session, replace(spent, compactions=made.summaries, failures=made.failed)
        )
        return self._transcript.save_view(session, state.with_segments(made.segments))
