"""One question under a budget, from the first try to the second."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ragthrift.types import FinishReason
from ragthrift.usage import Usage

RAISE = 4
"""How much higher the limit of a second try is: a third would be dearer than no budget."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call is to be given."""

    request_type: str
    unit: str
    """Digest of the conversation, or of the question."""
    held_out: bool = False
    instruction: str = ""
    max_tokens: int | None = None
    reason: str = ""
    """Why there is no instruction or no limit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question, all tries together."""

    output_tokens: int
    reasoning_tokens: int
    added_input_tokens: int
    cut: bool
    """Whether the budget's limit cut the first try off."""


@dataclass(slots=True)
class Asking:
    """Send with `instruction` last and `max_tokens`, then ask `again` whether to do it once more.

    >>> asking = Asking(Plan("faq", "1f", max_tokens=100), retry=True)
    >>> asking.again("length", Usage(900, 100)), asking.max_tokens
    (True, 400)
    >>> asking.again("stop", Usage(900, 130))
    False
    """

    plan: Plan
    limit: int | None = None
    """The caller's own, which is never passed."""
    retry: bool = False
    instruction_tokens: int = 0
    done: Callable[[Plan, Outcome], None] | None = None
    _tries: int = 0
    _output: int = 0
    _reasoning: int = 0
    _added: int = 0
    _cut: bool = field(default=False)

    @property
    def instruction(self) -> str:
        """To put last; "" for nothing."""
        return self.plan.instruction

    @property
    def max_tokens(self) -> int | None:
        """The limit of the next try."""
        planned = self.plan.max_tokens
        if planned is not None and self._tries:
            planned *= RAISE
        limits = [limit for limit in (planned, self.limit) if limit is not None]
        return min(limits, default=None)

    def again(
        self, finish_reason: FinishReason | str, usage: Usage | None, reasoning_tokens: int = 0
    ) -> bool:
        """Take in an answer; whether the budget cut it off and it is to be asked for once more."""
        limit, used = self.max_tokens, usage or Usage()
        self._output += used.output_tokens
        self._reasoning += reasoning_tokens
        self._added += used.input_tokens if self._tries else self.instruction_tokens
        cut = finish_reason == "length" and self.plan.max_tokens is not None
        cut = cut and limit != self.limit  # else the caller's own limit did it
        self._tries += 1
        if self._tries == 1:
            self._cut = cut
            if cut and self.retry:
                return True
        if self.done and (usage is not None):
            outcome = Outcome(self._output, self._reasoning, self._added, self._cut)
            self.done(self.plan, outcome)
        return False
