"""What is asked in a batch, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ragthrift.errors import InputError
from ragthrift.ledger.call import UNTAGGED
from ragthrift.types import Completion, Message, Tool

State = Literal["waiting", "sent", "answered", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """One conversation to answer, and how.

    >>> BatchRequest(id="faq-1", messages=[Message("user", "When is lunch?")], max_tokens=60).id
    'faq-1'
    """

    id: str
    """The caller's own, any text; its result is found by it."""
    messages: Sequence[Message]
    max_tokens: int | None = None
    temperature: float | None = None
    stop: Sequence[str] = ()
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of a tool."""
    schema: Mapping[str, object] | None = None
    """JSON schema that the answer must fit."""
    request_type: str = UNTAGGED
    """Under which its call stands in the ledger."""

    def __post_init__(self) -> None:
        if not self.id:
            raise InputError("a BatchRequest needs an id; its result is found by it")
        if not self.messages:
            raise InputError(f"the request {self.id!r} holds no message to answer")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InputError(f"max_tokens={self.max_tokens} must be at least 1, or None")
        if self.schema is not None and self.tools:
            raise InputError(f"the request {self.id!r} has a schema and tools: give one of them")
        choices = {"auto", "none", "required"} | {tool.name for tool in self.tools}
        if self.tool_choice not in choices:
            raise InputError(f"tool_choice={self.tool_choice!r} must be one of {sorted(choices)}")


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of one request: an answer, or why there is none."""

    id: str
    state: State
    completion: Completion | None = None
    error: str = ""
    """Empty unless `state` is "failed" or "cancelled"; what the provider said last."""
    attempts: int = 0
    """In how many provider's batches it was sent."""
    classes: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Further classes of tokens, as in `ragthrift.ledger.Call`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    >>> Progress(10, {"answered": 9, "failed": 1}).done
    True
    """

    total: int
    states: Mapping[str, int] = field(default_factory=dict, hash=False)
    """How many requests are in each state."""
    batches: int = 0
    """The provider's batches that are not yet finished with."""
    wait_seconds: float = 0.0
    """What the provider asked to wait before it is asked again; 0 where it did not."""
    notes: tuple[str, ...] = ()
    """What stands in the way at the moment, such as a server that does not answer."""

    @property
    def done(self) -> bool:
        """Whether every request is answered, failed for good, or cancelled."""
        settled = sum(self.states.get(name, 0) for name in ("answered", "failed", "cancelled"))
        return settled == self.total and not self.batches

    def __str__(self) -> str:
        counts = ", ".join(f"{n} {state}" for state, n in sorted(self.states.items()) if n)
        told = f"{self.total} requests: {counts or 'none'}; {self.batches} batches under way"
        return "\n".join((told, *(f"  {note}" for note in self.notes)))
