"""A thousand calls through failing providers: each answered or told why, and the bill whole."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest

from ragthrift import Price, Tier, Usage
from ragthrift.route import Attempt, Call, OutcomeLog, Piece, Recovery, Routed, Router, charged
from tests.route.running.fakes import ALIKE, TIERS, StatusError, asking

CALLS, FAULTS = 1000, 0.2
TWIN = Tier("twin", "small", Price(0.2, 0.8))


class FaultyProviders:
    """Fails one attempt in five, and writes down all that it would put on the bill."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.billed: Counter[str] = Counter()
        self.usage = Usage()
        self.attempts = 0
        self.raised: list[Exception] = []

    def __call__(self, tier: Tier, call: Call) -> Attempt:
        usage, error = self._drawn(tier)
        if error is not None:
            raise error
        return Attempt("The canteen opens at nine.", usage)

    def stream(self, tier: Tier, call: Call) -> Iterator[Piece | Attempt]:
        usage, error = self._drawn(tier)
        for text in ("The canteen ", "opens "):
            if error is not None and not isinstance(error, ConnectionError):
                raise error
            yield Piece(text)
        if error is not None:
            raise error
        yield Piece("at nine.")
        yield Attempt("", usage)

    def _drawn(self, tier: Tier) -> tuple[Usage, Exception | None]:
        with self._lock:
            self.attempts += 1
            usage = Usage(self._chance.randrange(50, 500), self._chance.randrange(1, 50))
            error: Exception | None = None
            if self._chance.random() < FAULTS:
                kind = self._chance.randrange(4)
                error = _failures()[kind]
                usage = Usage() if kind < 2 else Usage(usage.input_tokens, 1)
                self.raised.append(charged(error, usage))
            self.usage += usage
            self.billed[tier.name] += 1
            return usage, error


def _failures() -> list[Exception]:
    slow, cut = TimeoutError("too slow"), ConnectionResetError("the stream was cut")
    return [StatusError(429), StatusError(500), slow, cut]


def consumed(router: Router, call: Call, providers: FaultyProviders, how: int) -> str:
    if how == 0:
        routed = router.run(call, providers)
        assert routed.answer is not None
        return routed.answer.text
    hold: Literal["sentence"] | None = "sentence" if how == 1 else None
    pieces = router.stream(call, providers.stream, hold=hold, verify=how == 2)
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("seed", range(2))
def test_every_call_is_answered_or_fails_with_its_own_error(tmp_path: Path, seed: int) -> None:
    providers = FaultyProviders(seed)
    runs: list[Routed] = []
    recovery = Recovery({"cheap": [TWIN]}, open_after=4, open_seconds=0.02)
    router = Router(
        TIERS, model=ALIKE, log=tmp_path / "log.db", recovery=recovery, on_run=runs.append
    )
    answered: list[str] = []
    failed: list[Exception] = []

    def one(number: int) -> None:
        pinned = "cheap" if number % 3 == 0 else None
        call = asking(f"When, {number}?", conversation=str(number % 50), tier=pinned)
        try:
            text = consumed(router, call, providers, number % 4)
        except (StatusError, TimeoutError, ConnectionError) as error:
            failed.append(error)
        else:
            answered.append(text)

    with ThreadPoolExecutor(8) as pool:
        for done in pool.map(one, range(CALLS)):
            assert done is None
    router.close()
    assert len(answered) + len(failed) == len(runs) == CALLS
    assert set(answered) == {"The canteen opens at nine."}
    assert 0 < len(failed) < 0.1 * CALLS
    assert {id(error) for error in failed} <= {id(error) for error in providers.raised}
    assert router.failures == {}
    _books_agree(providers, runs, tmp_path / "log.db")


def _books_agree(providers: FaultyProviders, runs: list[Routed], path: Path) -> None:
    lines = [attempt for routed in runs for attempt in routed.attempts]
    assert len(lines) == providers.attempts
    assert Counter(line.tier for line in lines) == providers.billed
    assert sum((routed.usage for routed in runs), Usage()) == providers.usage
    prices = {tier.name: tier.price for tier in (*TIERS, TWIN)}
    for line in lines:
        price = prices[line.tier]
        assert price is not None
        assert line.usage is not None
        assert line.dollars == pytest.approx(price.dollars(line.usage))
        assert not line.estimated
    with OutcomeLog.existing(path) as log:
        bill = log.bill()
        assert bill.calls == CALLS
        assert bill.attempts == providers.attempts
        assert bill.usage == providers.usage
        assert bill.dollars == pytest.approx(sum(line.dollars or 0.0 for line in lines))
        assert bill.unknown == 0
        assert sum(call["served"] is None for call in log.calls()) == sum(
            routed.answer is None for routed in runs
        )
