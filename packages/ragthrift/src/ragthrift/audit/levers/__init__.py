"""The levers that an audit projects, in the order in which they change a bill."""

from collections.abc import Callable, Sequence

from ragthrift.audit.levers.answer_cache import answer_cache
from ragthrift.audit.levers.batch import batch
from ragthrift.audit.levers.compression import compression
from ragthrift.audit.levers.lever import Evidence, Lever
from ragthrift.audit.levers.memory import memory
from ragthrift.audit.levers.output_limits import output_limits
from ragthrift.audit.levers.prompt_caching import prompt_caching
from ragthrift.audit.levers.routing import routing
from ragthrift.audit.levers.self_hosting import self_hosting
from ragthrift.audit.levers.structured import structured_output
from ragthrift.audit.levers.trimming import trimming

__all__ = ["ORDER", "Evidence", "Lever", "fitted"]

ORDER: Sequence[Callable[[Evidence], Lever | None]] = (
    prompt_caching,
    answer_cache,
    trimming,
    compression,
    memory,
    output_limits,
    structured_output,
    routing,
    batch,
    self_hosting,
)
"""Caching comes first, since it says what is read from the provider's cache, and those after it
what is lost of that."""


def fitted(evidence: Evidence) -> list[Lever]:
    """Those that a ledger gives reason for."""
    if not evidence.bill.calls:
        return []
    return [lever for lever in (fit(evidence) for fit in ORDER) if lever is not None]
