"""What stands for turns that are no longer sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Fact:
    """Something said that must stay known, and where it was said.

    >>> old = Fact("lives in Bonn", ("t1",))
    >>> new = Fact("lives in Kiel", ("t9",), supersedes=(old.id,))
    >>> [fact.text for fact in live([old, new])]
    ['lives in Kiel']
    """

    text: str
    turn_ids: tuple[str, ...]
    """The turns it was read from; they can be fetched word for word."""
    supersedes: tuple[str, ...] = ()
    """Ids of earlier facts that it makes untrue."""

    @property
    def id(self) -> str:
        """Of its text and its turns: the same on every machine."""
        return _digest((self.text, *self.turn_ids))


@dataclass(frozen=True, slots=True)
class Segment:
    """A summary of adjacent turns; once written it never changes."""

    id: str
    turn_ids: tuple[str, ...]
    """In the order of the conversation, without a gap."""
    summary: str
    """May be empty where facts and recall say all that is needed."""
    facts: tuple[Fact, ...]
    tokens: int
    """Of the summary alone."""

    @classmethod
    def of(
        cls, turn_ids: Iterable[str], summary: str, facts: Iterable[Fact], tokens: int
    ) -> "Segment":
        """A segment whose id is made from its turns and its text."""
        turn_ids = tuple(turn_ids)
        return cls(_digest((*turn_ids, summary)), turn_ids, summary, tuple(facts), tokens)


def live(facts: Iterable[Fact]) -> list[Fact]:
    """Facts that no other one supersedes, in their order, each text once."""
    facts = list(facts)
    gone = {old for fact in facts for old in fact.supersedes if old != fact.id}
    newest = {fact.text: fact for fact in facts if fact.id not in gone}
    return list(newest.values())


def _digest(parts: tuple[str, ...]) -> str:
    digest = blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
