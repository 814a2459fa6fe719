"""Stretches of a ledger without gaps, on which levers are tried."""

from random import Random

from ragthrift.ledger import Call

BLOCKS, BLOCK = 16, 512


class Stretches:
    """Some stretches of calls, each equally likely to be kept (Vitter's reservoir, 1985).

    Calls that follow each other stay together: what a provider's cache serves depends on the time
    between them. A short ledger is kept whole.
    """

    def __init__(self, blocks: int = BLOCKS, size: int = BLOCK, seed: int = 0) -> None:
        self._blocks, self._size = blocks, size
        self._random = Random(seed)
        self._kept: list[tuple[int, list[Call]]] = []
        self._now: list[Call] = []
        self._seen = 0

    def add(self, call: Call) -> None:
        """Take in a call, in the order of time."""
        self._now.append(call)
        if len(self._now) == self._size:
            self._keep(self._now)
            self._now = []

    def _keep(self, block: list[Call]) -> None:
        place = self._seen
        if place >= self._blocks:
            place = self._random.randrange(self._seen + 1)
        if place < self._blocks:
            kept = (self._seen, block)
            if place < len(self._kept):
                self._kept[place] = kept
            else:
                self._kept.append(kept)
        self._seen += 1

    def stretches(self) -> list[list[Call]]:
        """In the order of time; blocks that follow each other are one."""
        kept = list(self._kept)
        if self._now and self._seen < self._blocks:
            kept.append((self._seen, self._now))
        found: list[list[Call]] = []
        last = -2
        for number, block in sorted(kept, key=lambda pair: pair[0]):
            if number == last + 1:
                found[-1].extend(block)
            else:
                found.append(list(block))
            last = number
        return [sorted(stretch, key=lambda call: call.at) for stretch in found]
