"""What is kept of calls, and what it teaches."""

import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from ragthrift import InputError, Message, ToolCall, Usage
from ragthrift.route import Ask, Attempt, Budget, Call, OutcomeLog, Router
from ragthrift.testing.checks import from_threads
from ragthrift.testing.samples import ODD_TEXTS, PASSAGES
from tests.route.running.fakes import ALIKE, STRONG, TIERS, TWO, Providers, StatusError, asking

MENU = {"type": "object", "required": ["day"]}


def test_a_call_is_kept_with_its_bill(tmp_path: Path) -> None:
    with Router(TWO, model=ALIKE, log=tmp_path / "log.db") as router:
        call = Call([Message("user", "Hello"), Message("user", "When?")], PASSAGES)
        routed = router.run(call, Providers(cheap=StatusError(429), strong="At nine."))
        assert router.log is not None
        (kept,) = router.log.calls()
        first, second = router.log.attempts()
        bill = router.log.bill()
    assert routed.id == kept["id"]
    assert (kept["question"], kept["history"]) == ("When?", "Hello")
    assert (kept["chosen"], kept["served"], kept["action"]) == ("cheap", "strong", "answer")
    assert kept["propensity"] == 1.0
    assert (first["fault"], first["dollars"], first["served"]) == ("rate_limit", 0.0, 0)
    assert (second["text"], second["served"], second["input_tokens"]) == ("At nine.", 1, 100)
    assert second["grounded"] == 1.0
    assert (bill.calls, bill.attempts, bill.usage) == (1, 2, Usage(100, 10))
    assert bill.dollars == pytest.approx(routed.dollars)
    assert bill.unknown == 0


def test_failed_calls_are_kept_and_unknown_costs_are_counted() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log)
    with pytest.raises(StatusError):
        router.run(asking(), Providers(cheap=TimeoutError(), strong=StatusError(500, "broken")))
    (kept,) = log.calls()
    assert (kept["served"], kept["error"]) == (None, "StatusError: broken")
    assert (log.bill().attempts, log.bill().unknown) == (2, 1)
    assert log.outcomes() == []


def test_thumbs_become_outcomes() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log)
    up, down, _ = (router.run(asking(passages=PASSAGES), Providers(cheap="Nine.")) for _ in "123")
    assert up.id is not None
    assert down.id is not None
    log.feedback(up.id, quality=True)
    log.feedback(down.id, quality=0.25)
    first, second = log.outcomes()
    assert first.qualities == {"cheap": 1.0}
    assert second.qualities == {"cheap": 0.25}
    assert first.answers == {"cheap": "Nine."}
    assert first.costs == {"cheap": pytest.approx((100 * 0.1 + 10 * 0.4) / 1e6)}
    assert first.ask.passages[0].text == PASSAGES[0].text
    with pytest.raises(InputError, match="from 0 to 1"):
        log.feedback(up.id, 2.0)
    with pytest.raises(InputError, match="has no call 99"):
        log.feedback(99, 1.0)


def test_thumbs_are_for_the_answer_that_was_given() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log)
    refuses = "I'm sorry, I can't help with that."
    routed = router.run(asking(), Providers(cheap=refuses, strong="At nine."))
    assert routed.id is not None
    log.feedback(routed.id, quality=True)
    (outcome,) = log.outcomes()
    assert outcome.qualities == {"strong": 1.0}
    assert set(outcome.answers) == {"cheap", "strong"}


def test_an_answer_that_does_not_fit_teaches_by_itself() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log)
    router.run(asking(schema=MENU), Providers(cheap="Friday", strong='{"day": ""}'))
    (outcome,) = log.outcomes()
    assert outcome.qualities == {"cheap": 0.0}
    assert [attempt["schema_pass"] for attempt in log.attempts()] == [0, 0, 1]


def test_a_question_asked_again_lowers_the_answer_before() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log)
    providers = Providers(cheap="At nine.")
    for question in ("When is soup served?", "When is the soup served??", "Who cooks?"):
        router.run(asking(question, conversation="a"), providers)
    router.run(asking("Who cooks?", conversation="b"), providers)
    assert [call["asked_again"] for call in log.calls()] == [1, 0, 0, 0]
    (outcome,) = log.outcomes()
    assert 0 < outcome.qualities["cheap"] < 0.5


def test_the_steps_of_an_agent_ask_nothing_again() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log, sticky=False)
    asked = Message("user", "When is soup served?")
    tool = (ToolCall("1", "menu"),)
    steps = [asked, Message("assistant", "", tool), Message("tool", "noon", tool_call_id="1")]
    for messages in ([asked], steps, [*steps, Message("assistant", "At noon."), asked]):
        router.run(Call(messages, conversation="a"), Providers(cheap="At noon."))
    assert [call["asked_again"] for call in log.calls()] == [0, 1, 0]


def test_a_log_is_written_by_a_process_that_was_forked(tmp_path: Path) -> None:
    log = OutcomeLog(tmp_path / "log.db")
    router = Router(TWO, model=ALIKE, log=log)
    router.run(asking(), Providers(cheap="At nine."))
    child = os.fork()
    if not child:
        router.run(asking(), Providers(cheap="At nine."))
        os._exit(0 if router.failures == {} else 1)
    assert os.waitpid(child, 0)[1] == 0
    router.run(asking(), Providers(cheap="At nine."))
    assert log.bill().calls == 3


def test_a_share_of_calls_is_compared_behind(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with Router(TIERS, model=ALIKE, log=path, shadow_share=1.0) as router:
        providers = Providers(cheap="It is 42.", middle="It is 43.", strong="It is 42, all told.")
        routed = router.run(asking("How many?"), providers)
        assert [a.tier for a in routed.attempts] == ["cheap"]
    with OutcomeLog.existing(path) as log:
        (outcome,) = log.outcomes()
        assert outcome.qualities["strong"] == 1.0
        assert outcome.qualities["middle"] == 0.0
        assert 0 < outcome.qualities["cheap"] < 1
        assert set(outcome.costs) == {"cheap", "middle", "strong"}
        assert outcome.propensity == 1.0
        purposes = [attempt["purpose"] for attempt in log.attempts()]
        assert purposes == ["answer", "shadow", "shadow"]
        assert log.bill().attempts == 3


def test_the_share_is_the_propensity(tmp_path: Path) -> None:
    log = OutcomeLog()
    with Router(TWO, model=ALIKE, log=log, shadow_share=0.25) as router:
        for _ in range(400):
            router.run(asking(tier=None), Providers(cheap="It is 42.", strong="It is 42."))
            if router.failures:
                break
    outcomes = log.outcomes()
    assert 70 <= len(outcomes) <= 130
    assert {outcome.propensity for outcome in outcomes} == {0.25}
    assert all(set(outcome.qualities) == {"cheap", "strong"} for outcome in outcomes)


def test_a_call_that_went_up_is_compared_with_the_same_probability() -> None:
    log = OutcomeLog()
    with Router(TWO, model=ALIKE, log=log, shadow_share=0.5) as router:
        for _ in range(60):
            router.run(asking(), Providers(cheap="I cannot help you.", strong="It is 42."))
            router.settle()
    judged = log.outcomes()
    assert 20 <= len(judged) <= 40
    assert {one.propensity for one in judged} == {0.5}
    assert all(set(one.qualities) == {"cheap", "strong"} for one in judged)
    assert log.bill().attempts == 120


def test_comparing_never_holds_a_call_up() -> None:
    may_answer = threading.Event()
    log = OutcomeLog()

    def slowly(tier: object, call: Call) -> Attempt:
        if tier == STRONG:
            may_answer.wait(30)
        return Attempt("It is 42.", Usage(100, 10))

    router = Router(TWO, model=ALIKE, log=log, shadow_share=1.0)
    for _ in range(60):
        router.run(asking(), slowly)
    assert log.bill().attempts == 60
    may_answer.set()
    router.close()
    assert 60 < log.bill().attempts <= 60 + 33


def test_a_judge_of_ones_own_and_its_failure() -> None:
    log = OutcomeLog()
    seen: list[tuple[str, ...]] = []

    def judge(ask: Ask, answers: Mapping[str, str]) -> dict[str, float]:
        seen.append(tuple(answers))
        if ask.question == "Broken?":
            raise LookupError("no opinion")
        return {"cheap": 0.5}

    with Router(TWO, model=ALIKE, log=log, shadow_share=1.0, judge=judge) as router:
        for question in ("Fine?", "Broken?"):
            router.run(asking(question), Providers(cheap="A.", strong="B."))
    assert seen == [("cheap", "strong")] * 2
    assert [outcome.qualities for outcome in log.outcomes()] == [{"cheap": 0.5}]
    assert router.failures == {"shadow": 1}
    assert log.bill().attempts == 4


def test_calls_that_cannot_be_compared_are_not() -> None:
    log = OutcomeLog()
    tool = Attempt("", Usage(100, 10), "tool_calls", (ToolCall("1", "menu"),))
    with Router(TWO, model=ALIKE, log=log, shadow_share=1.0) as router:
        router.run(asking(tools={"menu": {}}), Providers(cheap=tool, strong="no"))
        router.run(asking(tier="cheap"), Providers(cheap="At nine.", strong="no"))
    assert log.bill().attempts == 2


def test_comparing_is_paid_from_the_budget() -> None:
    log = OutcomeLog()
    budget = Budget(usd_per_day=1.0)
    dear = Attempt("It is 42.", Usage(400_000, 10))
    with Router(TWO, target=budget, model=ALIKE, log=log, shadow_share=1.0) as router:
        router.run(asking(), Providers(cheap="It is 42.", strong=dear))
        router.settle()
        router.run(asking(), Providers(cheap="It is 42.", strong="no"))
        assert router.choose(asking()).kind == "cap"


def test_the_oldest_calls_go_with_their_attempts() -> None:
    log = OutcomeLog(max_calls=3)
    router = Router(TWO, model=ALIKE, log=log)
    for number in range(5):
        router.run(asking(f"Number {number}?"), Providers(cheap="Yes."))
    assert [call["question"] for call in log.calls()] == ["Number 2?", "Number 3?", "Number 4?"]
    assert len(log.attempts()) == 3


def test_threads_and_other_logs_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    routers = [Router(TWO, model=ALIKE, log=path) for _ in range(2)]
    providers = Providers(cheap="At nine.")
    from_threads(lambda at: routers[at % 2].run(asking(), providers), range(8), rounds=5)
    for router in routers:
        router.close()
    with OutcomeLog.existing(path) as log:
        assert log.bill().calls == 40
        assert log.bill().usage == Usage(4000, 400)


def test_a_log_that_fails_does_not_fail_the_call(tmp_path: Path) -> None:
    log = OutcomeLog(tmp_path / "log.db")
    router = Router(TWO, model=ALIKE, log=log)
    log.close()
    routed = router.run(asking(), Providers(cheap="At nine."))
    assert (routed.id, router.failures) == (None, {"log": 1})
    with pytest.raises(sqlite3.ProgrammingError):
        Router(TWO, model=ALIKE, log=log, on_error="raise").run(asking(), Providers(cheap="9"))


def test_another_file_is_not_taken_for_a_log(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("not a database " * 50)
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE soups (name TEXT)")
    db.close()
    for path in (text, other):
        with pytest.raises(InputError, match="give the router's log another file"):
            OutcomeLog(path)
    with pytest.raises(InputError, match="no log at"):
        OutcomeLog.existing(tmp_path / "none.db")
    with pytest.raises(InputError, match="at least 1"):
        OutcomeLog(max_calls=0)


def test_odd_texts_are_kept() -> None:
    log = OutcomeLog()
    router = Router(TWO, model=ALIKE, log=log, on_error="raise")
    for text in ODD_TEXTS.values():
        router.run(asking(text), Providers(cheap=text, strong=text))
    assert log.bill().calls == len(ODD_TEXTS)
    for call in log.calls():
        log.feedback(call["id"], 1.0)
    assert len(log.outcomes()) == len(ODD_TEXTS)


def test_what_was_logged_can_be_learnt_from() -> None:
    log = OutcomeLog()
    with Router(TWO, log=log, shadow_share=1.0) as router:
        for number in range(40):
            said = "It is 42." if number % 2 else "It is 41."
            asked = asking(f"What is {number} less {number} and 42?")
            router.run(asked, Providers(cheap=said, strong="It is 42."))
            router.settle()
        outcomes = log.outcomes()
        assert len(outcomes) == 40
        router.fit(outcomes)
        rate = router.calibrate(Budget(share=0.5), outcomes)
        assert rate.outcomes == 40
        assert 0 <= rate.share <= 0.5 + 1e-9
        router.run(asking(), Providers(cheap="At nine.", strong="At nine."))
