"""A made-up ledger: three days of a support desk's assistant."""

from collections.abc import Callable, Iterator
from random import Random

from ragthrift.ledger import Call, Segment
from ragthrift.ledger.signature import signature
from ragthrift.usage import Savings, Usage

CALLS = 6000
_BEGIN = 1_793_577_600.0
"""2 November 2026, 00:00 UTC, a Monday."""
_DAY, _HOUR = 86_400.0, 3600.0
_SONNET, _MINI, _OWN = "claude-sonnet-4-5", "gpt-5-mini", "house-8b-instruct"
_ASKED = (
    "When does my {} arrive?",
    "How do I return a {}?",
    "Can I still change the address for my {}?",
    "Why was I charged twice for the {}?",
    "Is the {} covered by the warranty?",
    "How do I reset my {}?",
    "Which {} fits my contract?",
)
_THINGS = (
    "router",
    "modem",
    "phone",
    "tablet",
    "headset",
    "charger",
    "camera",
    "doorbell",
    "speaker",
    "lamp",
    "scale",
    "watch",
)
_CLAUSES = ("termination", "liability", "payment", "warranty", "data", "audit", "delivery")
_PARTIES = ("supplier", "customer", "carrier", "insurer", "landlord", "agency", "bank", "printer")
_SAID = ("", "Hello, ", "Quick question: ", "Please tell me, ", "Hi there, ")


def demo_calls(calls: int = CALLS, seed: int = 0) -> Iterator[Call]:
    """Synthetic calls in the order of time: equal seeds make equal ledgers.

    >>> one, two = demo_calls(2)
    >>> one.request_type != "untagged" and one.at < two.at
    True
    """
    desk = _Desk(Random(seed))
    at = _BEGIN
    step = 3 * _DAY / max(calls, 1)
    for number in range(calls):
        at += desk.random.expovariate(1 / step) * _busy(at)
        yield desk.call(number, at)


def _busy(at: float) -> float:
    """Waiting is three times as long at night."""
    return 0.7 if 7 <= (at % _DAY) / _HOUR < 20 else 2.1


class _Desk:
    """What the assistant is asked, and how its prompts are built."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._documents = [
            Segment.of(
                "document",
                f"article {n}",
                tokens=random.randint(350, 750),
                document_id=f"kb-{n:03}",
            )
            for n in range(160)
        ]
        self._tools = Segment.of("tools", "twelve tools", tokens=1900)
        self._systems = {
            name: Segment.of("system", f"rules of {name}", tokens=tokens)
            for name, tokens in (("faq", 1400), ("agent", 1100), ("review", 800), ("fields", 600))
        }
        self._sessions: list[tuple[str, list[Segment]]] = []
        kinds: tuple[tuple[Callable[[str, float], Call], int], ...] = (
            (self._faq, 44),
            (self._agent, 26),
            (self._review, 8),
            (self._fields, 12),
            (self._judge, 6),
            (self._own, 4),
        )
        self._kinds = [kind for kind, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def call(self, number: int, at: float) -> Call:
        """One call."""
        (kind,) = self.random.choices(self._kinds, self._weights)
        return kind(f"demo-{number:06}", at)

    def _question(self) -> str:
        draw = self.random
        thing = _THINGS[min(int(draw.expovariate(1 / 3)), len(_THINGS) - 1)]
        asked = _ASKED[min(int(draw.expovariate(1 / 2)), len(_ASKED) - 1)].format(thing)
        if draw.random() < 0.55:
            asked += f" It came with a {draw.choice(_THINGS)} and order {draw.randrange(10**6)}."
        return draw.choice(_SAID) + asked

    def _found(self, count: int) -> tuple[Segment, ...]:
        """Passages, of which the first ones are mostly used."""
        draw = self.random
        chosen: dict[str, Segment] = {}
        while len(chosen) < count:
            place = min(int(draw.expovariate(1 / 25)), len(self._documents) - 1)
            one = self._documents[place]
            used = draw.random() < 0.75 / (1 + len(chosen) * 0.7)
            chosen.setdefault(one.digest, Segment("document", one.digest, one.tokens, one.id, used))
        return tuple(chosen.values())

    def _faq(self, name: str, at: float) -> Call:
        question = self._question()
        found = self._found(8)
        parts = (self._systems["faq"], *found, _asking(question))
        tokens = sum(part.tokens for part in parts)
        hit = self.random.random() < 0.04
        return Call(
            model=_SONNET,
            provider="anthropic",
            usage=Usage(tokens, self._length(190, 0.5), cache_write_tokens=0),
            request_type="faq",
            segments=parts,
            question=signature(question),
            at=at,
            id=name,
            session=name,
            seconds=3.0,
            max_tokens=1024,
            finish_reason="stop",
            answered_by_cache=hit,
            savings={"rerank": Savings(tokens + 4000, tokens)},
        )

    def _agent(self, name: str, at: float) -> Call:
        draw = self.random
        if not self._sessions or draw.random() < 0.12:
            self._sessions = [*self._sessions[-5:], (name, [])]
        session, history = draw.choice(self._sessions)
        question = self._question()
        clock = Segment.of("system", f"It is {int(at)}.", tokens=12)
        parts = (clock, self._tools, self._systems["agent"], *history, _asking(question))
        output = self._length(140, 0.5)
        heard = Segment.of("history", f"{name} {question}", tokens=output + draw.randint(150, 900))
        history.append(heard)
        return Call(
            model=_SONNET,
            provider="anthropic",
            usage=Usage(sum(part.tokens for part in parts), output),
            request_type="support agent",
            segments=parts,
            question=signature(question),
            at=at,
            id=name,
            session=session,
            seconds=5.0,
            retries=int(draw.random() < 0.03),
            finish_reason="tool_calls" if draw.random() < 0.3 else "stop",
        )

    def _review(self, name: str, at: float) -> Call:
        question = (
            f"Compare clause {self.random.randrange(400)} with our terms and list every risk."
        )
        parts = (self._systems["review"], *self._found(14), _asking(question))
        output = self._length(900, 0.6)
        return Call(
            model=_SONNET,
            provider="anthropic",
            usage=Usage(sum(part.tokens for part in parts), min(output, 2000)),
            request_type="contract review",
            segments=parts,
            question=signature(question),
            at=at,
            id=name,
            session=name,
            seconds=25.0,
            max_tokens=2000,
            finish_reason="length" if output >= 2000 else "stop",
        )

    def _fields(self, name: str, at: float) -> Call:
        repair = self.random.random() < 0.2
        email = Segment.of("question", f"mail {name}", tokens=self.random.randint(200, 900))
        parts = (self._systems["fields"], email)
        tokens = sum(part.tokens for part in parts)
        thought = self._length(220, 0.6)
        return Call(
            model=_MINI,
            provider="openai",
            usage=Usage(tokens, thought + self._length(120, 0.2)),
            classes={"output_reasoning_tokens": thought},
            request_type="ticket fields",
            purpose="repair" if repair else "answer",
            segments=parts,
            at=at,
            id=name,
            seconds=4.0,
        )

    def _judge(self, name: str, at: float) -> Call:
        parts = (
            Segment.of("system", "rules of the judge", tokens=900),
            Segment.of("question", f"verdict {name}", tokens=self.random.randint(1500, 4000)),
        )
        return Call(
            model=_SONNET,
            provider="anthropic",
            usage=Usage(sum(part.tokens for part in parts), self._length(60, 0.3)),
            request_type="nightly eval",
            purpose="judge",
            segments=parts,
            at=at,
            id=name,
        )

    def _own(self, name: str, at: float) -> Call:
        usage = Usage(self.random.randint(300, 1200), self._length(50, 0.4))
        return Call(model=_OWN, usage=usage, request_type="router", measured=False, at=at, id=name)

    def _length(self, median: int, spread: float) -> int:
        return max(1, round(median * self.random.lognormvariate(0, spread)))


def _asking(question: str) -> Segment:
    return Segment.of("question", question, tokens=max(4, len(question) // 4))
