"""Documents in prompts: which come again, and which no answer took anything from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.audit.distribution import Distribution
from ragthrift.ledger import Call, Segment

MOST_DOCUMENTS = 200_000
"""Different ones that are held; beyond, a sample of all."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class HotDocument:
    """One that was sent often."""

    id: str
    """As the application knows it; else the digest of its text."""
    sent: int
    tokens: int
    """Of all times together."""


@dataclass(frozen=True, slots=True)
class Documents:
    """All documents of all prompts; tokens as they were counted locally."""

    sent: int
    tokens: int
    different: int
    repeated_share: float
    """Of document tokens: those that an earlier prompt held already."""
    hot: int
    """So few different documents make up half of all document tokens."""
    hottest: tuple[HotDocument, ...]
    judged_share: float
    """Of document tokens: those of which it is known whether the answer used them."""
    unused_share: float | None
    """Of these: the share that the answer took nothing from; `None` where that is unknown."""
    doubled_share: float
    """Of document tokens: those that stood in the same prompt already."""
    sampled: float
    """Share of the documents that repetition was counted on."""


class DocumentUse:
    """Documents of one type of request: how many are sent and how many are used."""

    def __init__(self) -> None:
        self.sent = Distribution()
        self.used = Distribution()


class DocumentSums:
    """Digests of documents with how often they were sent."""

    def __init__(self, most: int = MOST_DOCUMENTS) -> None:
        self._most = most
        self._below = 256
        self._times: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self.by_type: dict[str, DocumentUse] = {}
        self.sums: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        """Take in a billed call."""
        sent = [segment for segment in call.segments if segment.kind == "document"]
        if not sent:
            return
        times, used = self._times, [s.used for s in sent if s.used is not None]
        for segment in sent:
            if segment.digest in times:
                times[segment.digest] += 1
            else:
                self._meet(segment)
                times = self._times
        sums = self.sums
        sums["sent"] += len(sent)
        sums["tokens"] += sum([segment.tokens for segment in sent])
        if used:
            sums["judged"] += sum([s.tokens for s in sent if s.used is not None])
            sums["unused"] += sum([s.tokens for s in sent if s.used is False])
        if len({segment.digest for segment in sent}) < len(sent):
            sums["doubled"] += _doubled(sent)
        use = self.by_type.get(call.request_type)
        if use is None:
            use = self.by_type.setdefault(call.request_type, DocumentUse())
        use.sent.add(len(sent))
        if len(used) == len(sent):
            use.used.add(sum(used))

    def _meet(self, segment: Segment) -> None:
        """A document that is sent for the first time."""
        digest = segment.digest
        if self._below < 256 and _place(digest) >= self._below:
            return
        self._times[digest] = 1
        self._tokens[digest] = segment.tokens
        if segment.id:
            self._names[digest] = segment.id
        if len(self._times) > self._most and self._below > 1:
            self._below //= 2
            kept = {one: n for one, n in self._times.items() if _place(one) < self._below}
            self._times = kept
            self._tokens = {one: self._tokens[one] for one in kept}
            self._names = {one: name for one, name in self._names.items() if one in kept}

    def report(self) -> Documents | None:
        """`None` where no prompt is known to hold a document."""
        sums = self.sums
        if not sums["sent"]:
            return None
        found = {one: (n, self._tokens[one]) for one, n in self._times.items()}
        by_tokens = sorted(found.items(), key=lambda item: -item[1][0] * item[1][1])
        counted = sum(sent * tokens for sent, tokens in found.values())
        first = sum(tokens for _, tokens in found.values())
        hottest = tuple(
            HotDocument(self._names.get(one, one), sent, sent * tokens)
            for one, (sent, tokens) in by_tokens[:SHOWN]
        )
        sampled = self._below / 256
        tokens = sums["tokens"] or 1
        return Documents(
            sent=sums["sent"],
            tokens=sums["tokens"],
            different=round(len(found) / sampled),
            repeated_share=1 - first / counted if counted else 0.0,
            hot=round(_half([sent * each for _, (sent, each) in by_tokens]) / sampled),
            hottest=hottest,
            judged_share=sums["judged"] / tokens,
            unused_share=sums["unused"] / sums["judged"] if sums["judged"] else None,
            doubled_share=sums["doubled"] / tokens,
            sampled=sampled,
        )


def _doubled(sent: Sequence[Segment]) -> int:
    """Tokens of what stands in the prompt for a second time."""
    once = {segment.digest: segment.tokens for segment in sent}
    return sum(segment.tokens for segment in sent) - sum(once.values())


def _place(digest: str) -> int:
    try:
        return int(digest[-2:], 16)
    except ValueError:
        return hash(digest) % 256


def _half(amounts: list[int]) -> int:
    """How many of the largest make up half."""
    whole, down = sum(amounts), 0
    for place, amount in enumerate(amounts, 1):
        down += amount
        if 2 * down >= whole:
            return place
    return 0
