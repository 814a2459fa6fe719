"""What is remembered of a conversation's last turn: whose prompt cache is warm, what was asked."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ragthrift.route.checks import agreement

WARM_SECONDS = 300.0
"""How long providers keep a prompt's prefix after its last use: 5 minutes at Anthropic, 5 to 10 at
OpenAI (their documentation of prompt caching)."""
MOST = 10_000
SAME_QUESTION = 0.8


@dataclass(frozen=True, slots=True)
class Turn:
    """The last call of a conversation."""

    tier: str
    tokens: int
    """Of its prompt and answer, which the next prompt begins with."""
    question: str
    call: int | None
    """Its number in the log."""
    at: float


class Conversations:
    """The last turns of the most recent conversations; safe for threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: OrderedDict[str, Turn] = OrderedDict()

    def cached_tokens(self, conversation: str | None, tier: str) -> int:
        """How much of the next prompt lies in a tier's prompt cache."""
        turn = self._last(conversation)
        if turn is None or turn.tier != tier or self._clock() - turn.at > WARM_SECONDS:
            return 0
        return turn.tokens

    def asked_before(self, conversation: str | None, question: str) -> int | None:
        """The number of the call before, if it asked the same."""
        turn = self._last(conversation)
        same = turn is not None and agreement(turn.question, question) >= SAME_QUESTION
        return turn.call if turn is not None and same else None

    def took(
        self, conversation: str | None, *, tier: str, tokens: int, question: str, call: int | None
    ) -> None:
        """Remember a turn."""
        if conversation is None:
            return
        with self._lock:
            self._turns[conversation] = Turn(tier, tokens, question, call, self._clock())
            self._turns.move_to_end(conversation)
            if len(self._turns) > MOST:
                self._turns.popitem(last=False)

    def _last(self, conversation: str | None) -> Turn | None:
        with self._lock:
            return None if conversation is None else self._turns.get(conversation)
