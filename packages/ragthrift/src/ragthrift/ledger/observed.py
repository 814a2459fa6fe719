"""A call of a model as a framework tells of it, before anything is counted or hashed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from ragthrift.ledger.prompt_parts import Prompt
from ragthrift.ledger.reading_usage import BilledTokens
from ragthrift.types import Passage

Trim = tuple[Sequence[Passage], Sequence[Passage]]
"""Documents before and after something was taken from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a `Recorder` makes a `Call` of; fields that `Call` has mean what they mean there.

    >>> from ragthrift import Message
    >>> prompt = Prompt(messages=[Message("user", "When is soup?")])
    >>> told = Observed(prompt=prompt, answer="At noon.")
    >>> told.billed is None
    True
    """

    prompt: Prompt
    answer: str = ""
    billed: BilledTokens | None = None
    """What the provider says that it used; `None` where it does not, so that it is estimated."""
    whole: bool = True
    """Whether `billed` is of this prompt alone, and not of all in a batch."""
    unbilled: bool = False
    """Failed before anything was answered: nothing is estimated."""
    model: str = ""
    provider: str = ""
    answered_by_cache: bool = False
    request_type: str = ""
    """As the framework names it; a recorder's own function comes first."""
    names: tuple[str, ...] = ()
    """Of the chains, engines and runs around the call, outermost first."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    purpose: str = "answer"
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: uuid4().hex)
    session: str = ""
    trace: str = ""
    seconds: float | None = None
    first_token_seconds: float | None = None
    max_tokens: int | None = None
    finish_reason: str = ""
    retries: int = 0
    error: str = ""
    tags: tuple[str, ...] = ()
    trims: Sequence[Trim] = ()
    """What levers took from this prompt's documents."""
    silent: str = ""
    """What to switch on so that the provider counts, where it has not."""
