"""What happens when a tier fails: who answers in its place, and what is billed."""

import httpx
import pytest

from ragthrift import ContextOverflowError, Price, Tier, Usage
from ragthrift.route import Attempt, CircuitBreaker, Recovery, Routed, Router, charged, fault_of
from ragthrift.route.faults import usage_of
from tests.route.running.fakes import (
    ALIKE,
    CHEAP,
    STRONG,
    TIERS,
    TWO,
    Expects,
    Gains,
    Providers,
    Says,
    StatusError,
    asking,
)

REQUEST = httpx.Request("POST", "https://api.example.com/v1/chat/completions")


def response(status: int) -> httpx.Response:
    return httpx.Response(status, request=REQUEST)


def wrapped(error: Exception) -> Exception:
    outer = RuntimeError("the framework says so")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (StatusError(429), "rate_limit"),
        (StatusError(500), "server"),
        (StatusError(529), "server"),
        (StatusError(408), "timeout"),
        (StatusError(400, "This model's maximum context length is 8192 tokens"), "overflow"),
        (StatusError(400, "prompt is too long: 212000 tokens > 200000 maximum"), "overflow"),
        (StatusError(400, "no such field: temprature"), None),
        (StatusError(401), None),
        (StatusError(404), None),
        (TimeoutError("too slow"), "timeout"),
        (ConnectionResetError(), "connection"),
        (ContextOverflowError(900, 800), "overflow"),
        (httpx.ReadTimeout("too slow"), "timeout"),
        (httpx.ConnectError("no route"), "connection"),
        (httpx.RemoteProtocolError("peer closed connection"), "connection"),
        (httpx.HTTPStatusError("", request=REQUEST, response=response(503)), "server"),
        (wrapped(httpx.ReadTimeout("too slow")), "timeout"),
        (ValueError("a bug"), None),
        (KeyError("status_code"), None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_passing_failures_are_told_from_others(error: Exception, fault: str | None) -> None:
    assert fault_of(error) == fault


def test_the_errors_of_openai_are_known() -> None:
    openai = pytest.importorskip("openai")
    limited = openai.RateLimitError("slow down", response=response(429), body=None)
    broken = openai.InternalServerError("oops", response=response(500), body=None)
    body = {"code": "context_length_exceeded", "message": "maximum context length is 8192"}
    too_long = openai.BadRequestError(str(body), response=response(400), body=body)
    key = openai.AuthenticationError("wrong key", response=response(401), body=None)
    assert fault_of(limited) == "rate_limit"
    assert fault_of(broken) == "server"
    assert fault_of(too_long) == "overflow"
    assert fault_of(openai.APITimeoutError(REQUEST)) == "timeout"
    assert fault_of(openai.APIConnectionError(request=REQUEST)) == "connection"
    assert fault_of(key) is None


def test_errors_that_openai_tells_in_the_middle_of_a_stream_are_known() -> None:
    openai = pytest.importorskip("openai")
    body = {"type": "server_error", "message": "The server had an error"}
    assert fault_of(openai.APIError("The server had an error", REQUEST, body=body)) == "server"
    told = openai.APIError("Invalid 'messages'", REQUEST, body=None)
    assert fault_of(told) is None


class BotoError(Exception):
    """As botocore's errors carry their status."""

    def __init__(self, status: int) -> None:
        super().__init__("An error occurred")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class CodeError(Exception):
    """As google-genai's errors carry their status."""

    def __init__(self, code: object) -> None:
        super().__init__(f"{code} from the provider")
        self.code = code


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (BotoError(429), "rate_limit"),
        (BotoError(403), None),
        (CodeError(503), "server"),
        (CodeError("context_length_exceeded"), None),
        (StatusError(200, "{'type': 'error', 'error': {'type': 'overloaded_error'}}"), "server"),
        (StatusError(200, "{'error': {'type': 'invalid_request_error'}}"), None),
    ],
    ids=repr,
)
def test_statuses_are_found_where_providers_put_them(error: Exception, fault: str | None) -> None:
    assert fault_of(error) == fault


def test_a_failed_call_costs_what_it_says_or_nothing_or_is_unknown() -> None:
    said = charged(TimeoutError("too slow"), Usage(10, 3))
    assert usage_of(said, "timeout") == Usage(10, 3)
    assert usage_of(StatusError(429), "rate_limit") == Usage()
    assert usage_of(TimeoutError(), "timeout") is None


@pytest.mark.parametrize("error", [StatusError(429), StatusError(500), TimeoutError("too slow")])
def test_the_tier_above_answers_for_one_that_fails(error: Exception) -> None:
    providers = Providers(cheap=error, middle="At nine.")
    routed = Router(TIERS, model=ALIKE).run(asking(), providers)
    assert providers.asked == ["cheap", "middle"]
    assert routed.answer is not None
    assert routed.answer.text == "At nine."
    assert routed.tier is not None
    assert (routed.decision.tier.name, routed.tier.name) == ("cheap", "middle")
    assert [(a.purpose, a.fault) for a in routed.attempts] == [
        ("answer", fault_of(error)),
        ("fallback", None),
    ]
    assert not routed.escalated


def test_the_tiers_below_come_last() -> None:
    wide = Expects({"cheap": 0.1, "middle": 0.9, "strong": 0.9})
    providers = Providers(middle=StatusError(500), strong=StatusError(500), cheap="At nine.")
    Router(TIERS, model=wide).run(asking(), providers)
    assert providers.asked == ["middle", "strong", "cheap"]


def test_a_tiers_own_fallback_comes_first() -> None:
    twin = Tier("cheap at another", "small", Price(0.2, 0.8))
    providers = Providers(cheap=StatusError(503), **{twin.name: "At nine."})
    routed = Router(TIERS, model=ALIKE, recovery=Recovery({"cheap": [twin]})).run(
        asking(), providers
    )
    assert routed.tier == twin
    assert routed.attempts[1].dollars == pytest.approx((100 * 0.2 + 10 * 0.8) / 1e6)


def test_a_fallback_that_cannot_answer_the_call_is_passed_over() -> None:
    twin = Tier("twin", "small", Price(0.2, 0.8), tools=False)
    providers = Providers(cheap=StatusError(503), middle="At nine.", twin="no")
    router = Router(TIERS, model=ALIKE, recovery=Recovery({"cheap": [twin]}))
    router.run(asking(tools={"menu": {}}), providers)
    assert providers.asked == ["cheap", "middle"]


def test_a_pinned_call_stays_with_its_tier_and_its_fallbacks() -> None:
    twin = Tier("twin", "small", Price(0.2, 0.8))
    providers = Providers(cheap=StatusError(503), twin=StatusError(429), middle="no", strong="no")
    router = Router(TIERS, model=ALIKE, recovery=Recovery({"cheap": [twin]}))
    with pytest.raises(StatusError, match="429"):
        router.run(asking(tier="cheap"), providers)
    assert providers.asked == ["cheap", "twin"]


def test_when_all_fail_the_last_error_is_raised_and_all_is_billed() -> None:
    cut = charged(TimeoutError("too slow"), Usage(100, 3))
    runs: list[Routed] = []
    providers = Providers(cheap=StatusError(429), middle=cut, strong=StatusError(500, "broken"))
    with pytest.raises(StatusError, match="broken"):
        Router(TIERS, model=ALIKE, on_run=runs.append).run(asking(), providers)
    (routed,) = runs
    assert routed.answer is None
    assert isinstance(routed.error, StatusError)
    assert routed.usage == Usage(100, 3)
    assert routed.dollars == pytest.approx((100 * 1.0 + 3 * 4.0) / 1e6)


def test_what_a_timeout_cost_is_unknown_not_nothing() -> None:
    routed = Router(TWO, model=ALIKE).run(
        asking(), Providers(cheap=TimeoutError(), strong="At nine.")
    )
    assert routed.attempts[0].dollars is None
    assert routed.dollars is None
    assert routed.usage == Usage(100, 10)


def test_an_error_that_any_tier_would_meet_is_raised_at_once() -> None:
    providers = Providers(cheap=StatusError(401), middle="no", strong="no")
    with pytest.raises(StatusError, match="401"):
        Router(TIERS, model=ALIKE).run(asking(), providers)
    assert providers.asked == ["cheap"]


def test_an_overflow_goes_to_a_larger_window_only() -> None:
    tiers = [
        Tier("cheap", "small", Price(0.1, 0.4), context_tokens=8_000),
        Tier("middle", "medium", Price(1, 4), context_tokens=8_000),
        Tier("strong", "large", Price(3, 15), context_tokens=200_000),
    ]
    providers = Providers(
        cheap=StatusError(400, "maximum context length"), middle="no", strong="At nine."
    )
    Router(tiers, model=ALIKE).run(asking(), providers)
    assert providers.asked == ["cheap", "strong"]


def test_a_failure_on_the_way_up_leaves_the_answer_that_is_there() -> None:
    providers = Providers(cheap="I'm sorry, I can't help with that.", strong=StatusError(503))
    router = Router(TWO, model=ALIKE, on_error="raise")
    routed = router.run(asking(), providers)
    assert routed.tier == CHEAP
    assert [a.purpose for a in routed.attempts] == ["answer", "escalation"]
    assert [finding.check for finding in routed.findings] == ["declined"]


def test_a_bug_on_the_way_up_is_raised_only_if_wished() -> None:
    gains = Gains(lambda answer: 1.0)
    says: dict[str, Says] = {"cheap": "At nine.", "strong": ValueError("a bug")}
    router = Router(TWO, model=ALIKE, escalation=gains)
    assert router.run(asking(), Providers(**says)).tier == CHEAP
    assert router.failures == {"escalation": 1}
    with pytest.raises(ValueError, match="a bug"):
        Router(TWO, model=ALIKE, escalation=gains, on_error="raise").run(
            asking(), Providers(**says)
        )


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_breaker_lets_one_through_when_the_wait_is_over() -> None:
    clock = Clock()
    breaker = CircuitBreaker(2, 30.0, clock=clock)
    assert not breaker.failed("a")
    breaker.succeeded("a")
    assert not breaker.failed("a")
    assert breaker.failed("a")
    assert breaker.is_open("a")
    assert not breaker.allows("a")
    assert breaker.allows("b")
    clock.now = 30.0
    assert not breaker.is_open("a")
    assert [breaker.allows("a"), breaker.allows("a")] == [True, False]
    clock.now = 60.0
    assert breaker.allows("a")
    breaker.succeeded("a")
    assert [breaker.allows("a"), breaker.allows("a")] == [True, True]


def test_a_tier_that_keeps_failing_is_left_alone() -> None:
    providers = Providers(cheap=StatusError(503), strong="At nine.")
    router = Router(TWO, model=ALIKE, recovery=Recovery(open_after=3))
    for _ in range(6):
        assert router.run(asking(), providers).tier == STRONG
    assert providers.asked.count("cheap") == 3
    last = router.run(asking(), providers)
    assert [a.purpose for a in last.attempts] == ["fallback"]


def test_when_all_are_left_alone_the_chosen_one_is_tried_all_the_same() -> None:
    providers = Providers(cheap=[StatusError(503)] * 2 + ["At nine."], strong=StatusError(503))
    router = Router(TWO, model=ALIKE, recovery=Recovery(open_after=2))
    for _ in range(2):
        with pytest.raises(StatusError):
            router.run(asking(), providers)
    assert router.run(asking(), providers).tier == CHEAP


def test_too_long_prompts_do_not_open_the_breaker() -> None:
    providers = Providers(cheap=ContextOverflowError(9, 8), strong="At nine.")
    router = Router(TWO, model=ALIKE, recovery=Recovery(open_after=1))
    for _ in range(3):
        router.run(asking(), providers)
    assert providers.asked.count("cheap") == 3


def test_an_interrupted_call_is_billed_and_raised() -> None:
    def interrupted(tier: Tier, call: object) -> Attempt:
        raise KeyboardInterrupt

    runs: list[Routed] = []
    with pytest.raises(KeyboardInterrupt):
        Router(TWO, model=ALIKE, on_run=runs.append).run(asking(), interrupted)
    assert [a.error for a in runs[0].attempts] == ["KeyboardInterrupt: "]
