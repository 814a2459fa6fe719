"""Applications whose calls are billed before and after a lever is really applied."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from ragthrift import Message, Passage, Tool, Usage
from ragthrift.ledger import Call, Segment
from ragthrift.ledger.pricing import Prices
from ragthrift.ledger.signature import signature
from ragthrift.lexical import Bm25
from ragthrift.tokens import EstimatedTokens
from ragthrift_bench import handbook

BEGIN = 1_793_577_600.0
COUNT = EstimatedTokens().count
PRICES = Prices()


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One question with everything that is sent for it."""

    request_type: str
    question: str
    system: str
    answer: str
    at: float
    session: str = ""
    documents: tuple[Passage, ...] = ()
    history: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    clock: str = ""
    used: frozenset[str] = frozenset()
    """Ids of the documents that the answer is from."""
    model: str = "claude-sonnet-4-5"

    def call(self) -> Call:
        """As it is billed before any lever, by a provider that caches nothing unasked."""
        parts = [
            Segment.of("tools", tool.description, tokens=COUNT(tool.description))
            for tool in self.tools
        ]
        parts += [_segment("system", text) for text in (self.clock, self.system) if text]
        parts += [_segment("history", turn.content) for turn in self.history]
        parts += [
            replace(_segment("document", p.text), id=p.id, used=p.id in self.used)
            for p in self.documents
        ]
        parts.append(_segment("question", self.question))
        return Call(
            model=self.model,
            usage=Usage(sum(part.tokens for part in parts), COUNT(self.answer)),
            request_type=self.request_type,
            segments=tuple(parts),
            question=signature(self.question),
            at=self.at,
            session=self.session,
            seconds=1.0,
            finish_reason="stop",
        )


def _segment(kind: str, text: str) -> Segment:
    return Segment.of(kind, text, tokens=COUNT(text))  # type: ignore[arg-type]


def dollars(calls: Iterable[Call]) -> float:
    """What calls cost."""
    return float(sum(PRICES.dollars(call) or 0 for call in calls))


def saved(before: Sequence[Call], after: Iterable[Call]) -> float:
    """Share of the dollars."""
    return 1 - dollars(after) / dollars(before)


@cache
def _index() -> Bm25:
    return Bm25([passage.text for passage in handbook.passages()])


@cache
def retrieved(question: str, count: int) -> tuple[Passage, ...]:
    """The handbook's passages that share most words with a question."""
    shares = _index().shares(question)
    order = sorted(range(len(shares)), key=lambda at: -shares[at])[:count]
    return tuple(handbook.passages()[at] for at in order)


def rules(words: int, seed: int = 1) -> str:
    """A system prompt of some length."""
    return prose(words, Random(seed))


_TEXT = (
    "the staff may book a room for guests in the small hall after lunch when no meeting is held "
    "there and keys are kept at the front desk until noon on days that follow a holiday each "
    "answer names its source in brackets and never guesses what a contract does not say"
)


def prose(words: int, random: Random) -> str:
    """Sentences that mean little."""
    known = _TEXT.split()
    said = [random.choice(known) for _ in range(words)]
    return " ".join(word + "." * (n % 11 == 10) for n, word in enumerate(said, 1))


def faq_bot(turns: int = 500, seed: int = 2) -> list[Turn]:
    """The handbook's questions, asked again and again, often in the same words."""
    random = Random(seed)
    cases = handbook.questions()
    system = rules(1200)
    forms = ("{}", "{}", "{}", "Hello, {}", "please tell me: {}", "{} Thanks!")
    found = []
    for number in range(turns):
        case = cases[min(int(random.expovariate(1 / 14)), len(cases) - 1)]
        question = random.choice(forms).format(case.question)
        found.append(
            Turn(
                request_type="faq",
                question=question,
                system=system,
                answer=f"{case.answers[0]}. " + prose(random.randint(20, 60), random),
                at=BEGIN + 20 * number,
                session=f"s{number}",
                documents=retrieved(case.question, 6),
                used=case.gold_ids,
            )
        )
    return found


def agent(sessions: int = 4, turns: int = 45, seed: int = 3) -> list[Turn]:
    """Long conversations with tools, and a clock before all else."""
    random = Random(seed)
    system = rules(500, 4)
    tools = tuple(Tool(name, prose(350, random)) for name in ("search", "order", "refund"))
    found = []
    for session in range(sessions):
        history: list[Message] = []
        for number in range(turns):
            question = f"{prose(25, random)} item {random.randrange(1000)}?"
            answer = prose(110, random)
            at = BEGIN + 40_000 * session + 45 * number
            found.append(
                Turn(
                    request_type="agent",
                    question=question,
                    system=system,
                    answer=answer,
                    at=at,
                    session=f"agent-{session}",
                    history=tuple(history),
                    tools=tools,
                    clock=f"It is {at:.0f}.",
                )
            )
            history += [Message("user", question), Message("assistant", answer)]
    return found


def document_answers(turns: int = 240, seed: int = 5) -> list[Turn]:
    """One long answer on many documents, and no question twice."""
    random = Random(seed)
    corpus = [Passage(prose(random.randint(90, 240), random), f"d{n}") for n in range(300)]
    found = []
    for number in range(turns):
        documents = tuple(random.sample(corpus, 12))
        gold = documents[random.randrange(12)]
        start = random.randrange(30)
        words = gold.text.split()[start : start + 12]
        found.append(
            Turn(
                request_type="review",
                question=f"{prose(6, random)} {' '.join(words)}?",
                system=rules(250, 6),
                answer=prose(round(260 * random.lognormvariate(0, 0.6)), random),
                at=BEGIN + 900 * number,
                session=f"r{number}",
                documents=documents,
                used=frozenset((gold.id,)),
            )
        )
    return found


def handbook_questions(limit: int = 30) -> list[Turn]:
    """The benchmark's demo set, each question once."""
    return [
        Turn(
            request_type="handbook",
            question=case.question,
            system="Answer with a short phrase from the context.",
            answer=case.answers[0],
            at=BEGIN + 60 * number,
            session=f"h{number}",
            documents=retrieved(case.question, 10),
            used=case.gold_ids,
            model="gpt-5-mini",
        )
        for number, case in enumerate(handbook.questions()[:limit])
    ]
