"""What a log says in numbers."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragthrift import InputError, Usage
from ragthrift.route import Ask, Attempt, OutcomeLog, Router, report_of, route_report
from ragthrift.route.command import route as command
from ragthrift.testing.samples import PASSAGES
from tests.route.running.fakes import (
    ALIKE,
    CHEAP,
    STRONG,
    TWO,
    Expects,
    Providers,
    StatusError,
    asking,
)

RIGHT, WRONG = "It is 42.", "It is 41."


class Foresees(Expects):
    """Expects what the question says of itself."""

    def expected(self, ask: Ask, tiers: object) -> tuple[float, ...]:
        return (0.1, 0.15) if "hard" in ask.question else (0.9, 0.9)


def compared(path: Path, *, model: Expects, calls: int = 200) -> None:
    """Hard questions, of which the cheap tier gets none right, and easy ones."""
    chance = random.Random(1)
    with Router(TWO, model=model, log=path, shadow_share=1.0) as router:
        for number in range(calls):
            hard = chance.random() < 0.5
            said = WRONG if hard else RIGHT
            providers = Providers(cheap=Attempt(said, Usage(1000, 10)), strong=RIGHT)
            router.run(asking(f"{'A hard' if hard else 'An easy'} one, {number}?"), providers)
            router.settle()


def test_a_curve_shows_what_the_order_is_worth(tmp_path: Path) -> None:
    compared(tmp_path / "log.db", model=Foresees({}))
    curve = route_report(tmp_path / "log.db").curve
    assert curve is not None
    assert (curve.cheap, curve.strong) == ("cheap", "strong")
    first, middle, last = curve.points[0], curve.points[5], curve.points[-1]
    assert (first.strong_share, last.strong_share) == (0.0, 1.0)
    assert last.quality.mean == 1.0
    assert first.quality.mean == pytest.approx(0.5, abs=0.1)
    assert middle.quality.mean > 0.9 > middle.random_quality
    assert first.quality.low < first.quality.mean < first.quality.high
    assert curve.apgr is not None
    assert 0.65 < curve.apgr.low < curve.apgr.mean < curve.apgr.high < 0.8
    assert first.dollars == pytest.approx((1000 * 0.1 + 10 * 0.4) / 1e6)
    assert last.dollars == pytest.approx((100 * 3.0 + 10 * 15.0) / 1e6)


def test_an_order_that_knows_nothing_is_worth_what_chance_is(tmp_path: Path) -> None:
    compared(tmp_path / "log.db", model=ALIKE)
    curve = route_report(tmp_path / "log.db").curve
    assert curve is not None
    assert curve.apgr is not None
    assert curve.apgr.low < 0.5 < curve.apgr.high
    assert curve.points[5].quality.mean == pytest.approx(curve.points[5].random_quality, abs=0.1)


def test_what_happened_is_counted() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log)
    good = router.run(asking(passages=PASSAGES), Providers(cheap="At nine."))
    router.run(asking(), Providers(cheap="", strong="At nine."))
    router.run(asking("Who fixes printers?", passages=PASSAGES), Providers(cheap="I don't know."))
    with pytest.raises(StatusError):
        router.run(asking(), Providers(cheap=StatusError(429), strong=StatusError(500)))
    router.run(asking(), Providers(cheap=TimeoutError(), strong="At nine."))
    log.feedback(good.id or 0, quality=True)
    found = report_of(log)
    assert found.chosen == {"cheap": 5}
    assert found.served == {"cheap": 2, "strong": 2}
    assert found.actions == {"answer": 3, "retrieve_more": 1}
    assert (found.escalated, found.failed, found.asked_again) == (1, 1, 0)
    assert found.faults == {"rate_limit": 1, "server": 1, "timeout": 1}
    assert found.findings == {"empty": 1, "missing": 1}
    assert found.thumbs is not None
    assert found.thumbs.mean == 1.0
    strongest, cheapest = (100 * 3 + 10 * 15) / 1e6, (100 * 0.1 + 10 * 0.4) / 1e6
    assert found.savings.before == pytest.approx(3 * strongest)
    assert found.savings.after == pytest.approx(strongest + 3 * cheapest)
    assert found.curve is None
    assert found.schema_pass is None
    assert found.grounded is not None
    text = str(found)
    assert "answered by cheap 2, strong 2" in text
    assert "saved net" in text
    assert "too few compared calls for a curve" in text


def test_a_dominated_tier_is_reported(tmp_path: Path) -> None:
    log = OutcomeLog()
    with Router(TWO, model=ALIKE, log=log, shadow_share=1.0, judge=lambda a, b: JUDGED) as router:
        for number in range(32):
            router.run(asking(f"Number {number}?"), Providers(cheap=RIGHT, strong=WRONG))
            router.settle()
    (beaten,) = report_of(log).dominated
    assert (beaten.tier, beaten.by) == ("strong", "cheap")
    assert "dominated: strong answers 1.000 worse than cheap" in str(report_of(log))


JUDGED = {CHEAP.name: 1.0, STRONG.name: 0.0}


def test_an_empty_log_has_a_report() -> None:
    assert "0 calls" in str(report_of(OutcomeLog()))


def test_the_command_prints_it(tmp_path: Path) -> None:
    compared(tmp_path / "log.db", model=Foresees({}), calls=60)
    run = CliRunner().invoke(command, ["report", str(tmp_path / "log.db"), "--json"])
    assert run.exit_code == 0
    found = json.loads(run.stdout)
    assert found["bill"]["calls"] == 60
    assert len(found["curve"]["points"]) == 11
    run = CliRunner().invoke(command, ["report", str(tmp_path / "log.db")])
    assert "always cheap" in run.stdout
    assert "always strong" in run.stdout
    assert "by lot" in run.stdout


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no log"):
        route_report(tmp_path / "log.db")
    run = CliRunner().invoke(command, ["report", str(tmp_path / "log.db")])
    assert run.exit_code == 2
    assert not (tmp_path / "log.db").exists()
