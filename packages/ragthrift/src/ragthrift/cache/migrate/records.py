"""An answer of another cache, on its way into this one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ragthrift.cache.fresh import Fresh
from ragthrift.cache.semantic_cache import SemanticCache
from ragthrift.types import Scope

Fields = Mapping[str, object]
ScopeFor = Scope | Callable[[Fields], Scope | None]
"""One scope for all, or a function of what the other cache kept with an answer; `None` skips it."""

_IMPORTED = "imported"
_WHY_NOT = ("not_stored_", "dropped_", "failed_")


@dataclass(frozen=True, slots=True)
class Record:
    """A question and its answer, as another cache kept them."""

    question: str
    answer: str
    fields: Fields = field(default_factory=dict)
    unfit: str = ""
    """Why it cannot be taken over."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many answers were taken over, and how many were not and why."""

    imported: int
    skipped: Mapping[str, int]

    def __str__(self) -> str:
        lines = [f"{self.imported} answers imported"]
        return "\n".join([*lines, *(f"{n} skipped: {why}" for why, n in self.skipped.items())])


def import_records(records: Iterable[Record], cache: SemanticCache, scope: ScopeFor) -> Imported:
    """Keep the answers that may be kept; of one question's, the first."""
    counts = Counter(_outcome(record, cache, scope) for record in records)
    imported = counts.pop(_IMPORTED, 0)
    return Imported(imported, dict(sorted(counts.items())))


def _outcome(record: Record, cache: SemanticCache, scope: ScopeFor) -> str:
    if record.unfit:
        return record.unfit
    where = scope(record.fields) if callable(scope) else scope
    if where is None:
        return "no scope for it"
    lookup = cache.explain(record.question, scope=where)
    if lookup.place is None:
        return lookup.reason
    if lookup.serving is not None:  # an explanation decides on the same question only
        return "the cache has an answer to the same question"
    before = cache.counters
    if cache.keep(lookup, Fresh(record.answer)):
        return _IMPORTED
    reasons = (n for n, count in cache.counters.items() if count > before.get(n, 0))
    return next((name for name in reasons if name.startswith(_WHY_NOT)), "not_stored")
