"""Made-up questions and a reader that answers them from what it is sent."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from random import Random

from ragthrift import Message, Passage
from ragthrift.protocols import Step
from ragthrift.testing import ScriptedLLM
from ragthrift_bench import Case
from ragthrift_bench.configurations import Configuration
from ragthrift_bench.generations import CachedLLM
from ragthrift_bench.observation import ObservedLLM
from ragthrift_bench.rag import Parts, rag, step_lever
from ragthrift_bench.scoring import Pricing

DAY = date(2026, 11, 22)
PRICING = Pricing(on=DAY, machine_price=0.0)


def make_cases(count: int, *, passages: int = 10) -> list[Case]:
    """Where is thing N? Its gold passage stands among others, at a place drawn by its number."""
    return [_case(number, passages) for number in range(count)]


def _case(number: int, passages: int) -> Case:
    place = f"room {number}.{number % 7}"
    gold = Passage(f"Thing {number} is kept in {place}, behind the door.", id=f"gold-{number}")
    others = [
        Passage(f"Thing {number} was bought in {1900 + at} by the office.", id=f"other-{at}")
        for at in range(passages - 1)
    ]
    others.insert(Random(number).randrange(passages), gold)
    return Case(f"Where is thing {number}?", tuple(others), (place,), frozenset({gold.id}))


def reading(cases: Sequence[Case], *, right: float = 0.9) -> Callable[[Sequence[Message]], str]:
    """Answers rightly, and mostly, where the gold passage was sent; else says that it cannot."""

    def answer(messages: Sequence[Message]) -> str:
        sent = messages[-1].content
        case = next(case for case in cases if f"Question: {case.question}" in sent)
        gold = next(passage for passage in case.passages if passage.id in case.gold_ids)
        knows = gold.text in sent and Random(case.question).random() < right
        return case.answers[0] if knows else "I do not know."

    return answer


def keep_gold_and(count: int) -> Step:
    """Keeps the gold passage and a few others."""

    def step(query: str, passages: Sequence[Passage]) -> list[Passage]:
        others = [passage for passage in passages if not passage.id.startswith("gold")][:count]
        return [passage for passage in passages if passage.id.startswith("gold")] + others

    return step


def drop_half_of_gold(query: str, passages: Sequence[Passage]) -> list[Passage]:
    """Loses the gold passage of every second question, and half of the others."""
    number = int(query.rstrip("?").rpartition(" ")[2])
    kept = [passage for passage in passages if number % 2 or not passage.id.startswith("gold")]
    return [p for p in kept if p.id.startswith("gold") or int(p.id.rpartition("-")[2]) % 2]


def configurations(llm: ScriptedLLM, folder: Path, steps: dict[str, Step]) -> list[Configuration]:
    """The plain application as the baseline, and with each step."""
    asked = ObservedLLM(CachedLLM(lambda: llm, folder / "generations", model_name="scripted"))
    parts = Parts(llm=asked)
    found = [Configuration("baseline", (), lambda: rag(parts), "baseline")]
    for name, step in steps.items():
        lever = step_lever(step)
        found.append(
            Configuration(name, (name,), lambda lever=lever: rag(lever(parts)), name)  # type: ignore[misc]
        )
    return found
