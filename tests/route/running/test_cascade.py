"""What becomes of an answer that is not good enough."""

import pytest

from ragthrift import InputError, Message, Passage, ToolCall, Usage
from ragthrift.route import (
    CHECKS,
    Agreement,
    Answered,
    Ask,
    Attempt,
    Budget,
    Call,
    Check,
    Finding,
    Outcome,
    Router,
)
from ragthrift.testing.samples import PASSAGES
from tests.route.running.fakes import (
    ALIKE,
    CHEAP,
    MIDDLE,
    STRONG,
    TIERS,
    TWO,
    Gains,
    Providers,
    asking,
)

MENU = {"type": "object", "required": ["day"]}
FITS, MISFITS = '{"day": "Friday"}', "Friday"
REFUSES = "I'm sorry, I can't help with that."
MISSES = "The context does not mention it."


def test_a_good_answer_leaves_as_it_is() -> None:
    given = Attempt("At nine.", Usage(100, 10), raw=object())
    routed = Router(TWO, model=ALIKE).run(asking(), Providers(cheap=given))
    assert routed.answer == given
    assert routed.answer is not None
    assert routed.answer.raw is given.raw
    assert (routed.action, routed.findings, routed.error) == ("answer", (), None)
    assert routed.dollars == pytest.approx((100 * 0.1 + 10 * 0.4) / 1e6)


def test_the_saving_is_net_of_every_attempt_and_may_be_a_loss() -> None:
    router = Router(TWO, model=ALIKE)
    saved = router.run(asking(), Providers(cheap="At nine.")).savings
    assert saved is not None
    strongest, cheapest = (100 * 3 + 10 * 15) / 1e6, (100 * 0.1 + 10 * 0.4) / 1e6
    assert saved.before == pytest.approx(strongest)
    assert saved.after == pytest.approx(cheapest)
    lost = router.run(asking(), Providers(cheap="", strong="At nine.")).savings
    assert lost is not None
    assert lost.saved == pytest.approx(-cheapest)
    unknown = router.run(asking(), Providers(cheap=TimeoutError(), strong="At nine."))
    assert unknown.savings is None


def test_a_refusal_goes_to_the_next_tier_up() -> None:
    providers = Providers(cheap=REFUSES, middle="At nine.", strong="no")
    routed = Router(TIERS, model=ALIKE).run(asking(), providers)
    assert providers.asked == ["cheap", "middle"]
    assert (routed.tier, routed.escalated) == (MIDDLE, True)
    assert [(a.purpose, a.findings) for a in routed.attempts] == [
        ("answer", ("declined",)),
        ("escalation", ()),
    ]
    assert routed.usage == Usage(200, 20)
    assert routed.dollars == pytest.approx((100 * 1.1 + 10 * 4.4) / 1e6)


def test_the_best_answer_leaves_when_none_is_good() -> None:
    providers = Providers(cheap=REFUSES, middle="", strong=Attempt("At ni", finish_reason="length"))
    routed = Router(TIERS, model=ALIKE).run(asking(), providers)
    assert providers.asked == ["cheap", "middle", "strong"]
    assert routed.tier == STRONG
    assert [finding.check for finding in routed.findings] == ["truncated"]


def test_a_good_cheap_answer_is_not_given_up_for_a_worse_dear_one() -> None:
    providers = Providers(cheap="At nine.", strong="")
    router = Router(TWO, model=ALIKE, escalation=Gains(lambda answer: 1.0))
    assert router.run(asking(), providers).tier == CHEAP


def test_what_was_learnt_of_answers_sends_them_up() -> None:
    gains = Gains(lambda answer: 0.5 if "perhaps" in answer else 0.0)
    router = Router(TWO, model=ALIKE, escalation=gains)
    sure, unsure = (Providers(cheap=said, strong="Ten.") for said in ("Nine.", "Nine, perhaps."))
    assert router.run(asking(), sure).tier == CHEAP
    assert router.run(asking(), unsure).tier == STRONG
    assert gains.asked == [("Nine.", "cheap", "strong"), ("Nine, perhaps.", "cheap", "strong")]


def test_a_gain_below_its_price_stays_where_it_is() -> None:
    router = Router(TWO, model=ALIKE, escalation=Gains(lambda answer: 0.05))
    assert router.run(asking(), Providers(cheap="Nine.", strong="Ten.")).tier == CHEAP


def test_the_rung_that_is_worth_most_is_asked() -> None:
    class ByTier(Gains):
        def gain(self, ask: object, answer: str, tier: str, above: str) -> float:
            return {"middle": 0.1, "strong": 0.8}[above] if tier == "cheap" else 0.0

    providers = Providers(cheap="Nine.", middle="no", strong="Ten.")
    Router(TIERS, model=ALIKE, escalation=ByTier()).run(asking(), providers)
    assert providers.asked == ["cheap", "strong"]


def test_a_missing_document_is_not_made_up_for_by_a_dearer_model() -> None:
    gains = Gains(lambda answer: 1.0)
    router = Router(TIERS, model=ALIKE, escalation=gains)
    providers = Providers(cheap=MISSES)
    call = asking("Who repairs broken printers?", passages=PASSAGES)
    routed = router.run(call, providers)
    assert providers.asked == ["cheap"]
    assert routed.action == "retrieve_more"
    assert routed.answer is not None
    last = asking("Who repairs broken printers?", passages=PASSAGES, may_retrieve=False)
    assert router.run(last, providers).action == "abstain"


def test_an_invented_answer_to_a_missing_document_stays_below_too() -> None:
    providers = Providers(cheap="Mr Miller repairs them in room 12.", middle="no")
    call = asking("Who repairs broken printers?", passages=PASSAGES)
    routed = Router(TIERS, model=ALIKE).run(call, providers)
    assert (routed.tier, routed.action) == (CHEAP, "retrieve_more")
    assert [finding.check for finding in routed.findings] == ["grounded"]


def test_an_ungrounded_answer_goes_up_where_the_document_is_there() -> None:
    providers = Providers(cheap="It opens at 11 and serves Peking duck.", middle="At nine.")
    routed = Router(TIERS, model=ALIKE).run(asking(passages=PASSAGES), providers)
    assert (routed.tier, routed.action, routed.findings) == (MIDDLE, "answer", ())


def test_an_answer_that_does_not_fit_is_mended_by_its_own_tier() -> None:
    providers = Providers(cheap=[MISFITS, FITS], strong="no")
    routed = Router(TWO, model=ALIKE).run(asking(schema=MENU), providers)
    assert routed.answer is not None
    assert (routed.tier, routed.answer.text) == (CHEAP, FITS)
    assert [(a.purpose, a.findings) for a in routed.attempts] == [
        ("answer", ("schema",)),
        ("repair", ()),
    ]
    (_, first), (_, second) = providers.calls
    assert first.added == ()
    assert [turn.role for turn in second.added] == ["assistant", "user"]
    assert second.added[0].content == MISFITS
    assert "not JSON" in second.added[1].content
    assert tuple(second.messages) == (*first.messages, *second.added)


def test_tool_arguments_are_mended_by_an_answer_to_the_tool_call() -> None:
    def calls(arguments: str) -> Attempt:
        return Attempt("", Usage(100, 10), "tool_calls", (ToolCall("1", "menu", arguments),))

    providers = Providers(cheap=[calls("{}"), calls(FITS)])
    routed = Router(TWO, model=ALIKE).run(asking(tools={"menu": MENU}), providers)
    assert routed.findings == ()
    turn, complaint = providers.calls[1][1].added
    assert turn.tool_calls[0].arguments == "{}"
    assert (complaint.role, complaint.tool_call_id) == ("tool", "1")


def test_after_one_repair_the_tier_above_is_asked_afresh() -> None:
    providers = Providers(cheap=MISFITS, strong=FITS)
    routed = Router(TWO, model=ALIKE).run(asking(schema=MENU), providers)
    assert providers.asked == ["cheap", "cheap", "strong"]
    assert [a.purpose for a in routed.attempts] == ["answer", "repair", "escalation"]
    assert providers.calls[2][1].added == ()
    assert (routed.tier, routed.findings) == (STRONG, ())


def test_a_repair_that_fails_leaves_the_answer_and_goes_up() -> None:
    providers = Providers(cheap=[MISFITS, TimeoutError()], strong=FITS)
    routed = Router(TWO, model=ALIKE).run(asking(schema=MENU), providers)
    assert [a.fault for a in routed.attempts] == [None, "timeout", None]
    assert routed.tier == STRONG


def test_a_pinned_call_is_mended_but_never_goes_up() -> None:
    providers = Providers(cheap=MISFITS, strong="no")
    routed = Router(TWO, model=ALIKE).run(asking(schema=MENU, tier="cheap"), providers)
    assert providers.asked == ["cheap", "cheap"]
    assert [finding.check for finding in routed.findings] == ["schema"]


def test_a_spent_budget_keeps_calls_with_the_cheapest_tier() -> None:
    router = Router(TWO, target=Budget(usd_per_day=1e-9), model=ALIKE)
    providers = Providers(cheap=REFUSES, strong="no")
    router.run(asking(), providers)
    routed = router.run(asking(), providers)
    assert set(providers.asked) == {"cheap"}
    assert routed.decision.kind == "cap"


def test_a_cap_keeps_a_bad_answer_from_going_up_even_where_a_dollar_is_worth_little() -> None:
    ask = Ask("When?")
    known = [Outcome(ask, {"cheap": 0.0, "strong": 1.0}, costs={"cheap": 1e-6, "strong": 1e-5})]
    router = Router(TWO, model=ALIKE)
    rate = router.calibrate(Budget(usd_per_day=1e-5), known * 20, calls_per_day=0.1)
    assert rate.per_dollar == 0.0
    providers = Providers(cheap=REFUSES, strong="At nine.")
    first, second = (router.run(asking(), providers) for _ in range(2))
    assert (first.tier, first.decision.kind) == (STRONG, "choice")
    assert (second.tier, second.decision.kind) == (CHEAP, "cap")


def test_two_answers_that_differ_go_up_and_the_second_is_billed() -> None:
    checks: list[Check] = [*CHECKS, Agreement()]
    router = Router(TWO, model=ALIKE, checks=checks)
    differing = Providers(cheap=["Soup is free.", "Bread costs a euro."], strong="Soup is free.")
    routed = router.run(asking(), differing)
    assert routed.tier == STRONG
    assert [a.purpose for a in routed.attempts[:2]] == ["answer", "sample"]
    assert routed.usage.input_tokens == 100 * len(differing.calls)
    agreeing = Providers(cheap="Soup is free.")
    assert router.run(asking(), agreeing).tier == CHEAP


def test_checks_of_ones_own_take_part() -> None:
    def polite(answered: Answered) -> Finding | None:
        said = answered.attempt.text
        return None if "please" in said else Finding("polite", "says no please", "escalate")

    providers = Providers(cheap="Wait.", strong="Wait, please.")
    routed = Router(TWO, model=ALIKE, checks=[polite]).run(asking(), providers)
    assert routed.tier == STRONG
    assert routed.attempts[0].findings == ("polite",)


def test_a_check_that_fails_says_nothing_unless_wished() -> None:
    def broken(answered: Answered) -> Finding | None:
        raise LookupError("no dictionary")

    providers = Providers(cheap="At nine.")
    router = Router(TWO, model=ALIKE, checks=[broken])
    assert router.run(asking(), providers).findings == ()
    assert router.failures == {"check": 1}
    with pytest.raises(LookupError, match="no dictionary"):
        Router(TWO, model=ALIKE, checks=[broken], on_error="raise").run(asking(), providers)


def test_usage_that_nobody_told_is_estimated_and_marked() -> None:
    routed = Router(TWO, model=ALIKE).run(
        asking("word " * 40), Providers(cheap=Attempt("At nine."))
    )
    (record,) = routed.attempts
    assert record.estimated
    assert record.usage == Usage(50, 2)
    assert record.dollars == pytest.approx((50 * 0.1 + 2 * 0.4) / 1e6)


def test_whoever_listens_gets_every_run_and_cannot_break_it() -> None:
    def listens(routed: object) -> None:
        raise RuntimeError("the ledger is full")

    router = Router(TWO, model=ALIKE, on_run=listens)
    assert router.run(asking(), Providers(cheap="At nine.")).tier == CHEAP
    assert router.failures == {"on_run": 1}


def test_the_callers_messages_and_passages_stay_as_they_are() -> None:
    messages, passages = [Message("user", "Friday?")], [Passage("Soup.")]
    call = Call(messages, passages, schema=MENU)
    Router(TWO, model=ALIKE).run(call, Providers(cheap=[MISFITS, FITS]))
    assert messages == [Message("user", "Friday?")]
    assert passages == [Passage("Soup.")]


def test_bad_input_is_raised_whatever_is_passed_over() -> None:
    def wrong(answered: Answered) -> Finding | None:
        raise InputError("no such language")

    with pytest.raises(InputError, match="no such language"):
        Router(TWO, model=ALIKE, checks=[wrong]).run(asking(), Providers(cheap="At nine."))
