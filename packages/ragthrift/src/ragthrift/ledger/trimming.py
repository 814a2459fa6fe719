"""What was taken from retrieved documents on their way into a prompt, by how it was taken."""

from collections.abc import Sequence

from ragthrift.protocols import TokenCounter
from ragthrift.types import Passage
from ragthrift.usage import Savings


def trimmed(
    before: Sequence[Passage], after: Sequence[Passage], counter: TokenCounter
) -> dict[str, Savings]:
    """Tokens of the documents before and after: "rerank" dropped some, "compress" shortened some.

    >>> from ragthrift.tokens import EstimatedTokens
    >>> soup, fish = Passage("Soup is at noon. Really.", "a"), Passage("Fish is on Friday.", "b")
    >>> trimmed([soup, fish], [soup.with_text("Soup is at noon.")], EstimatedTokens())
    {'rerank': Savings(before=11, after=6), 'compress': Savings(before=6, after=4)}

    Where a shortened document has neither its id nor its text any more, all of it is "compress".
    """
    ids = {passage.id for passage in after}
    texts = {passage.text for passage in after}
    kept = [passage for passage in before if passage.id in ids or passage.text in texts]
    given, middle, left = (
        sum(counter.count(passage.text) for passage in passages)
        for passages in (before, kept, after)
    )
    if len(kept) < len(after):
        return {"compress": Savings(given, left)}
    found: dict[str, Savings] = {}
    if middle != given:
        found["rerank"] = Savings(given, middle)
    if left != middle:
        found["compress"] = Savings(middle, left)
    return found
