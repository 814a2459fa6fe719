"""What is asked of a router, what a tier's model makes of it, and what becomes of the call.

This is all that an adapter needs: it says what is asked in a `Call`, hands in a function that asks
one tier once (`AttemptCall`, or `AttemptStream` for pieces), and gets a `Routed`. What belongs to
its framework travels in `raw`, untouched. It sends its own messages and then `call.added`, which
is empty but for repairs; it takes cache markers off where a tier is at another provider
(`without_cache_markers`). The function may be called more than once and, for shadow calls, later
on another thread. Asynchronous callers run `Router.run` in a thread (`ragthrift.bridge.Bridge`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ragthrift.types import Action, Decision, FinishReason, Message, Passage, Tier, ToolCall
from ragthrift.usage import Savings, Usage

Purpose = Literal["answer", "repair", "escalation", "fallback", "sample", "shadow"]
Remedy = Literal["repair", "escalate", "retrieve"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what is asked, and what an answer to it needs.

    >>> Call([Message("user", "Soup today?")]).added
    ()
    """

    messages: Sequence[Message]
    passages: Sequence[Passage] | None = None
    """What was retrieved for it, empty when nothing was found, `None` when nothing was sought; the
    messages may hold their texts or not."""
    tools: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Tools that the model may call by name, each with the JSON schema of its arguments; an empty
    schema accepts all."""
    schema: Mapping[str, object] | None = None
    """JSON schema that the answer's text must fit; `None` for free text."""
    modalities: tuple[str, ...] = ("text",)
    tier: str | None = None
    """Name or model of the only tier that may answer; `None` leaves the choice to the router."""
    conversation: str | None = None
    """What its turns have in common; `None` for a call that stands alone."""
    prompt_tokens: int | None = None
    """Tokens of the whole prompt; `None` is estimated."""
    max_tokens: int | None = None
    """Most tokens that the answer may take."""
    may_retrieve: bool = True
    """Whether there is more to retrieve: if not, a missing document means to abstain."""
    added: tuple[Message, ...] = ()
    """Turns that the router put after the caller's own, to have an answer repaired; `messages`
    ends with them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer as it comes.

    Until one says something, by text or by a tool call, another tier may still take over.
    """

    text: str
    raw: object = None
    """The framework's own chunk; it comes back as it went in."""
    calls_tool: bool = False
    """Whether it is a part of a tool call."""

    @property
    def says(self) -> bool:
        """Whether a reader could tell it from silence."""
        return bool(self.text) or self.calls_tool


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a tier's model answered, as an adapter hands it in."""

    text: str
    usage: Usage | None = None
    """`None` when the provider did not say: it is then estimated, and marked so."""
    finish_reason: FinishReason = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    raw: object = None
    """The framework's own message; it comes back as it went in."""
    pieces: tuple[Piece, ...] = ()
    """What it came in, where it was streamed and verified before it left."""


AttemptCall = Callable[[Tier, Call], Attempt]
"""`(tier, call) -> Attempt`: asks the tier's model once, and raises its error as it is, or
`charged(error, usage)` if it knows what a failed call used."""
AttemptStream = Callable[[Tier, Call], "Iterable[Piece | Attempt]"]
"""The same in pieces. An `Attempt` at the end says how it ended and what it used; its text, if it
is not empty, stands for the whole."""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One line of the bill."""

    tier: str
    model: str
    purpose: Purpose
    usage: Usage | None
    """`None` for a call that failed and may have been billed or not: a timeout, a cut line."""
    dollars: float | None
    """`None` without a known price or usage: unknown is not 0."""
    seconds: float
    text: str = ""
    error: str | None = None
    fault: str | None = None
    """What kind of failure it was, if one that another tier may not have."""
    findings: tuple[str, ...] = ()
    """Names of the checks that the answer failed."""
    estimated: bool = False
    """Whether the usage was estimated from the texts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong with an answer."""

    check: str
    detail: str
    remedy: Remedy
    """Ask the same tier again with the complaint, ask the tier above, or look for the document."""
    severity: float = 1.0
    """Share of the answer's worth that is lost, 0 to 1."""
    fixable: float = 0.5
    """Probability that the remedy helps, where nothing was learnt about it."""


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of a call: the answer, who gave it, and the whole bill."""

    decision: Decision
    """The choice before the first attempt."""
    answer: Attempt | None
    """`None` when every attempt failed; what a cut stream had said is in its attempt."""
    tier: Tier | None
    """The tier that gave the answer."""
    attempts: tuple[AttemptRecord, ...]
    action: Action = "answer"
    """What to do with the answer: give it, retrieve more and ask again, or abstain."""
    findings: tuple[Finding, ...] = ()
    """What is still wrong with the answer."""
    error: BaseException | None = None
    """What the call failed with."""
    savings: Savings | None = None
    """Dollars that the strongest tier would have taken for the tokens of the answer, and what the
    call took in all; `after` may be the larger. `None` while one of them is unknown."""
    id: int | None = None
    """Its number in the log, for feedback; `None` without a log."""

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts whose usage is known."""
        return sum((a.usage for a in self.attempts if a.usage is not None), Usage())

    @property
    def dollars(self) -> float | None:
        """The bill of all attempts; `None` while one of them is unknown."""
        known = [a.dollars for a in self.attempts if a.dollars is not None]
        return sum(known) if len(known) == len(self.attempts) else None

    @property
    def escalated(self) -> bool:
        """Whether a dearer tier was asked because of the answer of a cheaper one."""
        return any(a.purpose == "escalation" for a in self.attempts)
