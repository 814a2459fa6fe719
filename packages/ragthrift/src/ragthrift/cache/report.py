"""What a cache did: hits, what they saved, and how wrong the judged ones were."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ragthrift.cache.cipher import Plain
from ragthrift.cache.entry import Learnt
from ragthrift.cache.notebook import Notebook
from ragthrift.cache.redis.ledger import read_ledger
from ragthrift.cache.schema import LAYOUT
from ragthrift.cache.serving.shadow import Interval, ShadowReport, interval
from ragthrift.database import Database
from ragthrift.errors import InputError

_APART = ("failed_", "not_stored_", "dropped_")


@dataclass(frozen=True, slots=True)
class CacheReport:
    """Counts of every process that used a cache, as far as they have written them down."""

    entries: int
    bytes: int
    hits_exact: int
    hits_semantic: int
    shared_calls: int
    """Questions that waited for a call of the model that was being made."""
    misses: int
    tokens_saved: int
    audits: int
    """Near questions asked of the model although they could be served, and judged."""
    audits_wrong: int
    shadow: ShadowReport | None
    """What shadow mode would have served; `None` if it never ran."""
    notes: tuple[tuple[str, int], ...] = ()
    """Failures, answers not stored and why, rows that could not be read."""

    @property
    def wrong_of_hits(self) -> Interval:
        """Share of audited servings that were wrong, with its 95 % interval."""
        return interval(self.audits_wrong, self.audits)

    def as_json(self) -> dict[str, Any]:
        """Numbers by name."""
        return asdict(self) | {
            "wrong_of_hits": asdict(self.wrong_of_hits),
            "notes": dict(self.notes),
        }

    def __str__(self) -> str:
        hits = self.hits_exact + self.hits_semantic
        asked = hits + self.misses
        share = hits / asked if asked else 0.0
        wrong = self.wrong_of_hits
        lines = [
            f"{self.entries} answers in {self.bytes / 1024:.0f} KiB",
            f"{asked} questions, {share:.1%} served: {self.hits_exact} in the same words, "
            f"{self.hits_semantic} in others; {self.shared_calls} waited for a call under way",
            f"about {self.tokens_saved} tokens saved",
        ]
        if self.audits:
            lines.append(
                f"{wrong.rate:.2%} of {self.audits} audited servings wrong "
                f"({wrong.low:.2%} to {wrong.high:.2%})"
            )
        if self.shadow:
            lines.append(f"shadow mode {self.shadow}")
        return "\n".join([*lines, *(f"{name}: {number}" for name, number in self.notes)])


def cache_report(path: str | os.PathLike[str], *, prefix: str = "ragthrift") -> CacheReport:
    """The report of a cache's file, or of a prefix at the URL of a Redis server.

    Needs no key, since counts are not encrypted.
    """
    if "://" in os.fspath(path):
        return _report(*read_ledger(os.fspath(path), prefix))
    if not Path(path).is_file():
        raise InputError(f"there is no cache at {os.fspath(path)}")
    database = Database(path, LAYOUT)
    try:
        notebook = Notebook(database, Plain())
        with database.reading() as db:
            facts = dict(db.execute("SELECT name, value FROM facts"))
        sizes = (int(facts["entries"]), int(facts["bytes"]))
        return _report(sizes, notebook.counts(), notebook.labels())
    finally:
        database.close()


def _report(sizes: tuple[int, int], counts: dict[str, int], labels: list[Learnt]) -> CacheReport:
    def judged(kind: str) -> list[bool]:
        """Whether each judged would-be serving was right."""
        known = (e for e in labels if e.kind == kind and e.would_serve)
        return [e.agreement == "agreed" for e in known if e.agreement != "unknown"]

    audits, shadow = judged("audit"), judged("shadow")
    shadowed = counts.get("shadowed", 0)
    notes = [
        (name, number)
        for name, number in counts.items()
        if name.startswith(_APART) or name in ("unreadable", "evicted", "scope_incomplete")
    ]
    return CacheReport(
        *sizes,
        hits_exact=counts.get("hits_exact", 0),
        hits_semantic=counts.get("hits_semantic", 0),
        shared_calls=counts.get("shared_calls", 0),
        misses=counts.get("misses", 0) + counts.get("audits", 0),
        tokens_saved=counts.get("tokens_saved", 0),
        audits=len(audits),
        audits_wrong=audits.count(False),
        shadow=_shadow(shadowed, counts.get("would_serve", 0), shadow) if shadowed else None,
        notes=tuple(notes),
    )


def _shadow(requests: int, would_serve: int, judged: list[bool]) -> ShadowReport:
    return ShadowReport(requests, would_serve, len(judged), judged.count(False))
