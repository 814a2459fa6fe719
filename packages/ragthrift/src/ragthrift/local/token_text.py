"""Text from tokens that come one by one."""

from collections.abc import Callable, Sequence

_BROKEN = "\N{REPLACEMENT CHARACTER}"


class TokenText:
    """Turns tokens into pieces of text, each as soon as its characters are whole.

    A token is decoded together with those before it: alone it may lose its space, or be half a
    character.

    >>> letters = {1: "Soup", 2: " is", 3: " on"}
    >>> text = TokenText(lambda tokens: "".join(letters[token] for token in tokens))
    >>> text.add(1), text.add(2), text.rest()
    ('Soup', ' is', '')
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._begin = self._given = 0

    def add(self, token: int) -> str:
        """What has become certain; may be empty."""
        self._tokens.append(token)
        piece = self._new()
        if not piece or piece.endswith(_BROKEN):
            return ""
        self._begin, self._given = self._given, len(self._tokens)
        return piece

    def rest(self) -> str:
        """What is left at the end, half characters included."""
        piece = self._new()
        self._begin = self._given = len(self._tokens)
        return piece

    def _new(self) -> str:
        known = self._decode(self._tokens[self._begin : self._given])
        return self._decode(self._tokens[self._begin :])[len(known) :]
