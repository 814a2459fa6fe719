"""What a ledger's segments tell about prompts that should begin alike."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragthrift.ledger import Call, Segment
from ragthrift.prompt.volatile import ADVICE, Cause
from ragthrift.provider_cache import STABLE


@dataclass(frozen=True, slots=True)
class Instability:
    """What changed in the prompts of one request type."""

    request_type: str
    kind: str
    """Of the segment where prompts part."""
    cause: Cause
    calls: int
    """That did not begin as the one before."""
    of: int
    """Calls that had one before."""
    lost_tokens: int
    """That stood in the prompt before as well, behind the place where the two part: what a cache
    would have served in another layout."""

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.cause]

    def explain(self) -> str:
        """In words."""
        return (
            f"{self.request_type}: {self.calls} of {self.of} prompts part in {self.kind} "
            f"({self.cause}), {self.lost_tokens} tokens are sent again at full price\n"
            f"  {self.advice}"
        )


def lint_calls(calls: Iterable[Call]) -> tuple[Instability, ...]:
    """Where the prompts of a ledger part from those before them, the dearest first.

    Prompts of one request type, model and conversation are compared, in order of time; those
    without a conversation among themselves. Texts are not needed.

    >>> from ragthrift import Usage
    >>> system, soup, rules = (Segment.of(kind, kind + text, tokens=900) for kind, text in (
    ...     ("system", ""), ("document", "soup"), ("document", "rules")))
    >>> prompts = [(system, soup, rules), (system, rules, soup)]
    >>> [found] = lint_calls(
    ...     Call(model="m", usage=Usage(2700), segments=prompt) for prompt in prompts)
    >>> found.cause, found.lost_tokens
    ('documents', 1800)
    """
    last: dict[tuple[str, str, str], Sequence[Segment]] = {}
    compared: Counter[str] = Counter()
    parted: Counter[tuple[str, str, Cause]] = Counter()
    lost: dict[tuple[str, str, Cause], int] = defaultdict(int)
    for call in calls:
        if not call.segments or call.answered_by_cache:
            continue
        who = (call.request_type, call.model, call.session)
        before = last.get(who)
        last[who] = call.segments
        if before is None:
            continue
        compared[call.request_type] += 1
        found = _parting(before, call.segments)
        if found is not None:
            what = (call.request_type, found[0], found[1])
            parted[what] += 1
            lost[what] += found[2]
    named = [Instability(*what, n, compared[what[0]], lost[what]) for what, n in parted.items()]
    return tuple(sorted(named, key=lambda one: -one.lost_tokens))


def _parting(old: Sequence[Segment], new: Sequence[Segment]) -> tuple[str, Cause, int] | None:
    """The kind of the segment where two prompts part, why, and what is lost by it."""
    pairs = enumerate(zip(old, new, strict=False))
    place = next((n for n, (a, b) in pairs if a.digest != b.digest), None)
    if place is None:
        return None
    known = {segment.digest for segment in old[place:]}
    lost = sum(segment.tokens for segment in new[place:] if segment.digest in known)
    before, after = old[place].kind, new[place].kind
    if before == after == "document":
        return ("document", "documents", lost) if lost else None
    if after in STABLE or before in STABLE:
        return after, "tools" if before == after == "tools" else _moved(old, new, place), lost
    if lost and "history" in (before, after):
        return "history", _moved(old, new, place), lost
    return (after, "inserted", lost) if lost else None


def _moved(old: Sequence[Segment], new: Sequence[Segment], place: int) -> Cause:
    if old[place].digest in {segment.digest for segment in new[place:]}:
        return "inserted"
    if new[place].digest in {segment.digest for segment in old[place:]}:
        return "window"
    return "changed"
