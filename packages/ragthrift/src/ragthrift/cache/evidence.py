"""What an answer was built from, and whether it still holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ragthrift.types import Passage


@dataclass(frozen=True, slots=True)
class Evidence:
    """One passage that an answer was built from, by name and digest."""

    document_id: str
    version: str
    """As the passage's metadata says, in `version` or `content_hash`; empty when unknown."""
    chunk: str
    """Digest of the passage's text."""


def evidence_of(passages: Sequence[Passage]) -> tuple[Evidence, ...]:
    """The evidence in passages, each once.

    A passage belongs to the document that its metadata names as `document_id`, or to one of its
    own id.

    >>> evidence_of([Passage("Soup.", id="a", metadata={"document_id": "menu", "version": 3})])
    (Evidence(document_id='menu', version='3', chunk='2331b76d9f5b6b4c'),)
    """
    return tuple(dict.fromkeys(map(_one, passages)))


def _one(passage: Passage) -> Evidence:
    known = passage.metadata
    version = known.get("version", known.get("content_hash"))
    chunk = blake2b(passage.text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    document = str(known.get("document_id", passage.id))
    return Evidence(document, "" if version is None else str(version), chunk)


def overlap(stored: Sequence[Evidence], fresh: Sequence[Evidence]) -> float:
    """Share of chunks in common (Jaccard); 0 when a document they share has another version.

    >>> old, new = Evidence("menu", "1", "aa"), Evidence("menu", "2", "aa")
    >>> overlap([old], [old]), overlap([old], [new]), overlap([], [])
    (1.0, 0.0, 0.0)
    """
    versions = {e.document_id: e.version for e in fresh if e.version}
    if any(e.version and versions.get(e.document_id, e.version) != e.version for e in stored):
        return 0.0
    before = {(e.document_id, e.chunk) for e in stored}
    after = {(e.document_id, e.chunk) for e in fresh}
    return len(before & after) / len(before | after) if before and after else 0.0


def holds_chunks(stored: Sequence[Evidence], fresh: Sequence[Evidence]) -> bool:
    """Whether the answer was built from all of these chunks, whatever their order.

    >>> soup, salad = Evidence("menu", "", "aa"), Evidence("menu", "", "bb")
    >>> holds_chunks([soup, salad], [salad]), holds_chunks([soup], [soup, salad])
    (True, False)
    """
    return {(e.document_id, e.chunk) for e in fresh} <= {(e.document_id, e.chunk) for e in stored}
