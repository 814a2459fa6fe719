"""Near-identical texts, found by the word triples they share."""

from ragthrift.lexical import words

Shingles = frozenset[tuple[str, ...]]


def shingles(text: str) -> Shingles:
    """Every run of three words; of three characters in a text with fewer words, as Chinese has."""
    tokens = words(text)
    if len(tokens) < 3:
        tokens = list(text)
    return frozenset(zip(tokens, tokens[1:], tokens[2:], strict=False)) or frozenset(
        {tuple(tokens)}
    )


def similarity(first: Shingles, second: Shingles) -> float:
    """Jaccard similarity (Broder, 1997), 0 to 1.

    >>> similarity(shingles("The dogs bark at night."), shingles("the dog barks at night"))
    1.0
    """
    return len(first & second) / len(first | second)
