"""Text that comes in pieces, up to the first stop text."""

from collections.abc import Sequence


class StopTexts:
    r"""Holds back what may be the beginning of a stop text until it is certain.

    >>> text = StopTexts(["\nQ:"])
    >>> text.add("Soup.\n"), text.add("Q"), text.add(": and bread?"), text.met
    ('Soup.', '', '', True)
    >>> calm = StopTexts(["END"])
    >>> calm.add("The E"), calm.rest(), calm.met
    ('The ', 'E', False)
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self.met = False
        """Whether a stop text came; nothing is given out from there on."""

    def add(self, piece: str) -> str:
        """What is certain by now."""
        if self.met:
            return ""
        self._held += piece
        places = [place for stop in self._stop if (place := self._held.find(stop)) >= 0]
        if places:
            self.met = True
            return self._taken(min(places))
        return self._taken(len(self._held) - self._doubtful())

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        return "" if self.met else self._taken(len(self._held))

    def _taken(self, length: int) -> str:
        taken, self._held = self._held[:length], self._held[length:]
        return taken

    def _doubtful(self) -> int:
        """Length of the longest end of the text that begins a stop text."""
        longest = min(len(self._held), max(map(len, self._stop), default=1) - 1)
        for length in range(longest, 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stop):
                return length
        return 0
