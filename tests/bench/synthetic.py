"""Made-up runs for the tests of the report: every summary is worked out from the rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from ragthrift import Usage
from ragthrift_bench.answers import contains, exact_match, token_f1
from ragthrift_bench.comparison import compare, holm, mcnemar
from ragthrift_bench.results import Outcome, Results, Row

DOLLARS_PER_TOKEN = {"fresh": 2.5e-7, "read": 2.5e-8, "write": 3.1e-7, "output": 2e-6}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a made-up lever does to prompts and answers."""

    keeps: float = 1.0
    """The share of the passages' tokens that is still sent."""
    loses: float = 0.0
    """How likely a right answer becomes another one."""
    wins: float = 0.0
    """How likely a wrong answer becomes the right one."""
    caches: bool = False
    lever_dollars: float = 0.0


EFFECTS: Mapping[str, Effect] = {
    "rerank": Effect(keeps=0.34, loses=0.006, wins=0.07),
    "compress": Effect(keeps=0.58, loses=0.02, wins=0.03, lever_dollars=2e-6),
    "cache": Effect(caches=True),
    "summarise": Effect(keeps=0.45, loses=0.3, lever_dollars=5e-5),
    "expand": Effect(keeps=1.6, wins=0.05),
}
CONFIGURATIONS: Mapping[str, tuple[str, ...]] = {
    "rerank": ("rerank",),
    "compress": ("compress",),
    "cache": ("cache",),
    "all": ("rerank", "compress", "cache"),
    "all-but-rerank": ("compress", "cache"),
    "all-but-compress": ("rerank", "cache"),
    "all-but-cache": ("rerank", "compress"),
}
TWELVE: Mapping[str, tuple[str, ...]] = {
    **CONFIGURATIONS,
    "summarise": ("summarise",),
    "expand": ("expand",),
    "all-and-summarise": ("rerank", "compress", "cache", "summarise"),
    "all-and-expand": ("rerank", "compress", "cache", "expand"),
}
"""With the baseline, twelve."""

LONG = "Donaudampfschifffahrtsgesellschaft-with_a.dotted:name and spaces"
_PLACES = ("the boat ramp", "Hall 4", "the north stair", "room 2.17", "the loading dock")
_THINGS = ("the fire drill", "the parcel desk", "the late shuttle", "first aid", "the spare keys")
_QUESTIONS = ("Where is {} in week {}?", "Where do visitors find {} after week {}?")


def make_results(
    configurations: Mapping[str, tuple[str, ...]] = CONFIGURATIONS,
    *,
    questions: int = 200,
    seed: int = 0,
) -> Results:
    """A run over made-up questions; the same arguments make the same run."""
    cases = [_case(number, seed) for number in range(questions)]
    baseline = Outcome("baseline", (), tuple(_row(case, (), seed) for case in cases))
    others = [
        _compared(
            Outcome(name, levers, tuple(_row(case, levers, seed) for case in cases)), baseline
        )
        for name, levers in configurations.items()
    ]
    return Results(
        outcomes=(baseline, *_with_p_values(others, baseline)),
        metric="token_f1",
        margin=0.02,
        model="gpt-5-mini",
        price_date="2026-11-22",
        caching="openai-implicit",
        cases="synthetic handbook",
        cases_hash=f"{Random(seed).getrandbits(64):016x}",
        seed=seed,
        answered_by="a seeded random number generator",
        versions={"ragthrift": "0.1.0", "python": "3.11"},
        machine={"system": "none", "cores": "2"},
    )


@cache
def odd_run(name: str) -> Results:
    """A run of a kind that layouts are not made for."""
    long = {f"{name} {LONG}": levers for name, levers in CONFIGURATIONS.items()}
    asked: Mapping[str, tuple[Mapping[str, tuple[str, ...]], int]] = {
        "two configurations": ({"rerank": ("rerank",)}, 40),
        "one question": (CONFIGURATIONS, 1),
        "only the baseline": ({}, 10),
        "long names": (long, 40),
        "costs more": ({"expand": ("expand",)}, 40),
    }
    configurations, questions = asked[name]
    return make_results(configurations, questions=questions)


@dataclass(frozen=True, slots=True)
class _Case:
    id: str
    question: str
    expected: str
    passage_tokens: int


def _case(number: int, seed: int) -> _Case:
    chance = Random(f"{seed} case {number}")
    question = chance.choice(_QUESTIONS).format(chance.choice(_THINGS), number + 1)
    return _Case(f"q{number}", question, chance.choice(_PLACES), chance.randint(1300, 2100))


def _row(case: _Case, levers: tuple[str, ...], seed: int) -> Row:
    effects = [EFFECTS[lever] for lever in levers]
    usage, own = _usage(case, effects), sum(effect.lever_dollars for effect in effects)
    answer = _answer(case, levers, seed)
    gold = (case.expected,)
    return Row(
        case_id=case.id,
        question=case.question,
        answer=answer,
        usage=usage,
        dollars=_dollars(usage) + own,
        lever_dollars=own,
        seconds=0.2 + usage.input_tokens / 1000,
        lever_seconds=0.01 * len(levers),
        quality={
            "token_f1": token_f1(answer, gold),
            "exact_match": exact_match(answer, gold),
            "contains": contains(answer, gold),
        },
        expected=gold,
    )


def _usage(case: _Case, effects: Iterable[Effect]) -> Usage:
    passages, caches = float(case.passage_tokens), False
    for effect in effects:
        passages, caches = passages * effect.keeps, caches or effect.caches
    prompt = 420 + round(passages)
    return Usage(prompt, 12, cache_read_tokens=384 if caches and prompt > 500 else 0)


def _dollars(usage: Usage) -> float:
    price = DOLLARS_PER_TOKEN
    return (
        usage.fresh_tokens * price["fresh"]
        + usage.cache_read_tokens * price["read"]
        + usage.cache_write_tokens * price["write"]
        + usage.output_tokens * price["output"]
    )


def _answer(case: _Case, levers: tuple[str, ...], seed: int) -> str:
    """Chance is drawn by question and lever, so that a lever does the same in every company."""
    quality = Random(f"{seed} {case.id}").random()
    for lever in levers:
        chance = Random(f"{seed} {case.id} {lever}")
        if quality < 0.7 and chance.random() < EFFECTS[lever].loses:
            quality = chance.uniform(0.5, 1)
        elif quality >= 0.7 and chance.random() < EFFECTS[lever].wins:
            quality = 0.0
    if quality < 0.5:
        return case.expected
    if quality < 0.7:
        return f"It is at {case.expected}, as the handbook says."
    return Random(f"{seed} {case.id} wrong").choice(["I do not know.", "Ask at the front desk."])


def _compared(outcome: Outcome, baseline: Outcome) -> Outcome:
    pairs = list(zip(outcome.rows, baseline.rows, strict=True))
    comparison = compare(
        [ours.dollars - theirs.dollars for ours, theirs in pairs],
        [ours.quality["token_f1"] - theirs.quality["token_f1"] for ours, theirs in pairs],
    )
    return replace(outcome, comparison=comparison)


def _with_p_values(outcomes: Iterable[Outcome], baseline: Outcome) -> list[Outcome]:
    outcomes = list(outcomes)
    theirs = [row.quality["exact_match"] == 1 for row in baseline.rows]
    adjusted = holm(
        {
            outcome.name: mcnemar([row.quality["exact_match"] == 1 for row in outcome.rows], theirs)
            for outcome in outcomes
        }
    )
    return [replace(outcome, p_value=adjusted[outcome.name]) for outcome in outcomes]
