"""What a provider of batches must do, so that a job can be taken up again after any death."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ragthrift.batch.pace import Pace
from ragthrift.batch.request import BatchRequest
from ragthrift.ledger.call import Processing
from ragthrift.types import Completion


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one batch may hold."""

    requests: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sending:
    """A batch that is being sent, as the store remembers it.

    `token` is unique and begins the custom id of each of its requests, so that the provider's
    lists and results tell whose they are.
    """

    token: str
    count: int
    lines: Callable[[], Iterator[tuple[str, str]]]
    """Custom id and body, JSON, of each request; can be read again."""
    begun_at: float
    """Seconds since 1970 when the step that is under way began."""
    mark: str = ""
    """What `BatchProvider.mark` said before the submission."""
    known: frozenset[str] = frozenset()
    """The provider's ids of other batches in the same store: surely not this one."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a batch is, in words that all providers share."""

    state: Literal["running", "ended", "failed"]
    """`failed`: refused as a whole, nothing was run."""
    error: str = ""
    errors: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Of a batch that failed: what was wrong, by line from 0, where that is known."""
    again: bool = False
    """Of a batch that failed: whether it may be sent as it is, later."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a provider says of one request."""

    custom_id: str
    completion: Completion | None = None
    usage: object = None
    """The provider's own, for `ragthrift.ledger.read_usage`."""
    error: str = ""
    again: bool = False
    """Whether it may go better another time: the request was not at fault."""
    cancelled: bool = False


@runtime_checkable
class BatchProvider(Protocol):
    """Who runs batches.

    `BusyError` and `RefusedError` from a method say that surely nothing was done, `NotNowError`
    that it is not known. Each method may be called again after the process died inside it.
    """

    name: str
    """By the ids of `genai-prices`; "" where nobody bills."""
    processing: Processing
    """At whose price: "batch" where it costs half."""
    limits: Limits
    pace: Pace

    def describe(self) -> Mapping[str, str]:
        """What must be equal for a job to be taken up: the kind, the model, the address."""
        ...

    def body(self, request: BatchRequest) -> Mapping[str, object]:
        """A request in the provider's form; `InputError` for what it cannot hold."""
        ...

    def upload(self, sending: Sending) -> str:
        """Bring the requests to where a batch can be made of them; the name of that."""
        ...

    def find_upload(self, sending: Sending) -> str | None:
        """The name that an upload got whose end is not known; `None` where there is none."""
        ...

    def mark(self) -> str:
        """A place in the provider's list of batches, noted before each submission."""
        ...

    def create(self, sending: Sending, upload: str) -> str:
        """Make the batch; its id."""
        ...

    def find_batch(self, sending: Sending) -> str | None:
        """The id that a batch got whose submission was not confirmed; `None` if there is none.

        Raises `NotNowError` while it cannot be told.
        """
        ...

    def status(self, batch: str) -> Status:
        """How the batch is; it costs nothing to ask."""
        ...

    def results(self, batch: str) -> Iterator[Line]:
        """What came of its requests, in any order; some may be missing."""
        ...

    def cancel(self, batch: str) -> None:
        """Ask for its end; what is already answered is kept, and billed."""
        ...
