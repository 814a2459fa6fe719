"""An order of documents that makes prompts begin alike."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ragthrift.ledger import Segment

Item = TypeVar("Item")


def hot_documents(
    retrieved: Iterable[Iterable[str]], *, min_share: float = 0.2, most: int = 20
) -> tuple[str, ...]:
    """Names of the documents that many questions share, the most frequent first.

    `retrieved` holds the documents of each question. Keep the result as long as you can: another
    order begins all prompts anew.

    >>> hot_documents([["rules", "soup"], ["soup", "rules", "bread"], ["rules"]], min_share=0.5)
    ('rules', 'soup')
    """
    counts: Counter[str] = Counter()
    questions = 0
    for names in retrieved:
        questions += 1
        counts.update(set(names))
    often = [name for name, count in counts.items() if count >= min_share * questions]
    return tuple(sorted(often, key=lambda name: (-counts[name], name))[:most])


def canonical_order(
    items: Sequence[Item], hot: Sequence[str], name: Callable[[Item], str]
) -> list[Item]:
    """Items whose names are in `hot` in its order, then the others as they came.

    Whoever comes last stands nearest to the question. Models read the beginning and the end of a
    long prompt best (Liu et al., 2024), so give the others with the most relevant last.

    >>> canonical_order(["soup", "bread", "rules"], ("rules", "soup"), str)
    ['rules', 'soup', 'bread']
    """
    places = {known: place for place, known in enumerate(hot)}
    last = len(places)
    return sorted(items, key=lambda item: places.get(name(item), last))


def document_name(segment: Segment) -> str:
    """What the application calls a document, otherwise the digest of its text."""
    return segment.id or segment.digest


def in_canonical_order(segments: Sequence[Segment], hot: Sequence[str]) -> tuple[Segment, ...]:
    """A prompt whose documents change places with one another; all else stays where it is.

    >>> soup, rules = (Segment.of("document", text, tokens=9) for text in ("Soup.", "Rules."))
    >>> in_canonical_order([soup, rules], [rules.digest]) == (rules, soup)
    True
    """
    documents = [segment for segment in segments if segment.kind == "document"]
    ordered = iter(canonical_order(documents, hot, document_name))
    return tuple(next(ordered) if one.kind == "document" else one for one in segments)
