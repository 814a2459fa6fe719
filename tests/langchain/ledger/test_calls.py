"""What the callback records of a model's call."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import Generation, LLMResult
from langchain_core.runnables import RunnableConfig, RunnableLambda

from langchain_ragthrift import LedgerCallback, audit
from ragthrift import Usage
from ragthrift.ledger import Observed, Recorder
from tests.langchain.ledger.billing import (
    ANTHROPIC,
    FLEX,
    GEMINI,
    OPENAI,
    BillingModel,
    Broken,
    Kept,
    StreamingModel,
)

ASKED = "When is soup?"


def invoke(model: BillingModel, config: RunnableConfig) -> None:
    model.invoke(ASKED, config)


def ainvoke(model: BillingModel, config: RunnableConfig) -> None:
    asyncio.run(model.ainvoke(ASKED, config))


def stream(model: BillingModel, config: RunnableConfig) -> None:
    list(model.stream(ASKED, config))


def astream(model: BillingModel, config: RunnableConfig) -> None:
    async def run() -> None:
        async for _ in model.astream(ASKED, config):
            pass

    asyncio.run(run())


def batch(model: BillingModel, config: RunnableConfig) -> None:
    model.batch([ASKED], config)


WAYS = [invoke, ainvoke, stream, astream, batch]


def recorded(model: Any, ask: Callable[..., Any], **config: Any) -> Kept:
    kept = Kept()
    ledger = LedgerCallback(kept)
    ask(model, {"callbacks": [ledger], **config})
    assert ledger.recorder.flush(10)
    assert ledger.recorder.failures == {}
    return kept


@pytest.mark.parametrize("ask", WAYS)
def test_openai(ask: Callable[..., Any]) -> None:
    call = recorded(StreamingModel(max_tokens=500), ask).only
    assert call.usage == Usage(1200, 340, cache_read_tokens=1024)
    assert call.classes == {"output_reasoning_tokens": 256}
    assert (call.model, call.provider, call.measured) == ("gpt-5-mini-2025-08-07", "openai", True)
    assert (call.finish_reason, call.max_tokens, call.processing) == ("stop", 500, "standard")
    assert [segment.kind for segment in call.segments] == ["question"]
    assert sum(segment.tokens for segment in call.segments) == 1200
    assert call.seconds is not None
    assert call.seconds > 0
    streamed = ask in (stream, astream)
    assert (call.first_token_seconds is not None) is streamed


@pytest.mark.parametrize("ask", WAYS)
def test_openai_flex(ask: Callable[..., Any]) -> None:
    call = recorded(StreamingModel(billed=FLEX), ask).only
    assert call.usage == Usage(1200, 340, cache_read_tokens=1024)
    assert call.processing == "flex"


@pytest.mark.parametrize("ask", WAYS)
def test_anthropic(ask: Callable[..., Any]) -> None:
    """Writes of both lifetimes, which LangChain tells beside a `cache_creation` of 0."""
    call = recorded(StreamingModel(billed=ANTHROPIC), ask).only
    assert call.usage == Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)
    assert call.classes == {"cache_write_1h_tokens": 1500, "web_searches": 2}
    assert (call.provider, call.truncated) == ("anthropic", True)


@pytest.mark.parametrize("ask", WAYS)
def test_gemini(ask: Callable[..., Any]) -> None:
    call = recorded(StreamingModel(billed=GEMINI), ask).only
    assert call.usage == Usage(900, 210, cache_read_tokens=600)
    assert call.classes == {"output_reasoning_tokens": 150}
    assert call.provider == "google"


def test_a_batch_is_a_call_for_each_prompt() -> None:
    kept, model = Kept(), BillingModel()
    with audit(kept):
        model.batch([f"{ASKED} {day}" for day in range(20)])
        model.generate([[HumanMessage("a")], [HumanMessage("b")]])
    assert len(kept.calls) == 22
    assert len({call.question for call in kept.calls}) == 22


def test_candidates_are_billed_once() -> None:
    """OpenAI tells the usage of all candidates, and LangChain writes it on each."""
    assert recorded(BillingModel(candidates=3), invoke).only.usage == Usage(
        1200, 340, cache_read_tokens=1024
    )


class Completing(FakeListLLM):
    """Completes text; tells a batch's usage as OpenAI's completions do."""

    def _generate(self, prompts: list[str], *args: Any, **kwargs: Any) -> LLMResult:
        told = {
            "token_usage": {"prompt_tokens": 30, "completion_tokens": 6},
            "model_name": "davinci",
        }
        return LLMResult(
            generations=[[Generation(text="At noon.")] for _ in prompts], llm_output=told
        )


def test_a_batch_of_completions_is_billed_once() -> None:
    kept = Kept()
    with audit(kept):
        Completing(responses=[]).generate([ASKED, "Why?", "Who?"])
    assert sum((call.usage for call in kept.calls), Usage()) == Usage(30, 6)
    assert [call.measured for call in kept.calls] == [True] * 3
    assert kept.calls[0].segments[0].tokens < 30  # of all three prompts


def test_a_stream_without_usage_is_estimated(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    with audit(kept):
        for _ in range(3):
            list(StreamingModel(tells=False, lines=["It is at noon every day."]).stream(ASKED))
    assert [call.measured for call in kept.calls] == [False] * 3
    assert kept.calls[0].usage == Usage(4, 6)
    assert len([m for m in caplog.messages if "stream_usage=True" in m]) == 1


@pytest.mark.parametrize("ask", [invoke, ainvoke])
def test_a_failed_call_costs_nothing(ask: Callable[..., Any]) -> None:
    kept = Kept()
    with audit(kept), pytest.raises(TimeoutError):
        ask(BillingModel(fails_after=0), {})
    assert (kept.only.error, kept.only.usage) == ("TimeoutError", Usage())
    assert kept.only.model == "an-alias"


@pytest.mark.parametrize("ask", [stream, astream])
def test_a_stream_that_breaks_off_is_billed_as_far_as_it_came(ask: Callable[..., Any]) -> None:
    kept = Kept()
    with audit(kept), pytest.raises(ConnectionError):
        ask(StreamingModel(fails_after=2, lines=["It is at noon"]), {})
    call = kept.only
    assert (call.error, call.measured) == ("ConnectionError", False)
    assert call.usage == Usage(4, 2)


def test_a_stream_that_nobody_reads_to_its_end() -> None:
    kept = Kept()
    with audit(kept):
        chunks = StreamingModel(lines=["It is at noon"]).stream(ASKED)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
    assert (kept.only.error, kept.only.usage) == ("GeneratorExit", Usage(4, 1))


def test_a_cache_of_langchain() -> None:
    """A hit is told with the usage of the call before, so that it is billed again elsewhere."""
    kept, stock = Kept(), UsageMetadataCallbackHandler()
    model = BillingModel(cache=InMemoryCache())
    with audit(kept):
        for _ in range(3):
            model.invoke(ASKED, {"callbacks": [stock]})
    assert [call.answered_by_cache for call in kept.calls] == [False, True, True]
    assert all(call.usage.input_tokens == 1200 for call in kept.calls)
    billed = sum((call.usage for call in kept.calls if not call.answered_by_cache), Usage())
    assert billed.input_tokens == 1200
    assert stock.usage_metadata["gpt-5-mini-2025-08-07"]["input_tokens"] == 3600


def test_a_cache_that_tells_no_usage() -> None:
    """LangChain then hands on a price of 0 and nothing else."""
    model = BillingModel(cache=InMemoryCache())
    model.billed = {**OPENAI, "usage": {}}
    kept = Kept()
    with audit(kept):
        model.invoke(ASKED)
        said = model.invoke(ASKED)
    assert said.usage_metadata == {"total_cost": 0}
    assert [(call.answered_by_cache, call.measured) for call in kept.calls] == [
        (False, False),
        (True, False),
    ]


def test_retries_are_calls_of_their_own() -> None:
    kept = Kept()
    tries: list[int] = []

    class Shaky(BillingModel):
        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionError("busy")
            return super()._generate(messages, *args, **kwargs)

    with audit(kept):
        Shaky().with_retry(wait_exponential_jitter=False).invoke(ASKED)
    assert [(call.retries, call.error) for call in kept.calls] == [
        (0, "ConnectionError"),
        (1, "ConnectionError"),
        (1, ""),
    ]


def test_what_usage_metadata_callback_handler_gets_wrong() -> None:
    """Cache hits, candidates without a model's name, failures: on the same calls."""
    kept, stock = Kept(), UsageMetadataCallbackHandler()
    config: RunnableConfig = {"callbacks": [stock]}
    nameless = {**ANTHROPIC, "told": {"stop_reason": "end_turn"}}
    with audit(kept):
        cached = BillingModel(cache=InMemoryCache())
        for _ in range(2):
            cached.invoke(ASKED, config)
        BillingModel(billed=nameless).invoke(ASKED, config)
        list(StreamingModel(tells=False).stream(ASKED, config))
    ours = sum((call.usage for call in kept.calls if not call.answered_by_cache), Usage())
    assert ours == Usage(1200 + 5050 + 4, 340 + 80 + 2, 1024 + 3000, 2000)
    theirs = stock.usage_metadata
    assert list(theirs) == ["gpt-5-mini-2025-08-07"]
    assert theirs["gpt-5-mini-2025-08-07"]["input_tokens"] == 2400


def test_request_types() -> None:
    kept = Kept()
    model = BillingModel()
    chain = RunnableLambda(lambda asked: asked) | model
    with audit(kept):
        model.invoke(ASKED)
        model.invoke(ASKED, {"metadata": {"request_type": "faq"}})
        model.invoke(ASKED, {"tags": ["beta", "request_type:contracts"]})
        chain.invoke(ASKED)
        chain.with_config(run_name="search").invoke(ASKED)
        model.invoke(ASKED, {"run_name": "title"})
    assert [call.request_type for call in kept.calls] == [
        "untagged", "faq", "contracts", "untagged", "search", "title",
    ]  # fmt: skip
    assert kept.calls[2].tags == ("beta", "request_type:contracts")


def test_a_function_names_requests() -> None:
    kept = Kept()

    def named(told: Observed) -> str | None:
        return "short" if len(told.prompt.messages[-1].content) < 20 else None

    with audit(Recorder(kept, request_type=named)):
        BillingModel().invoke(ASKED)
        BillingModel().invoke(ASKED * 9, {"metadata": {"request_type": "faq"}})
    assert [call.request_type for call in kept.calls] == ["short", "faq"]


def test_conversation_and_trace() -> None:
    kept = Kept()
    reworded: Any = RunnableLambda(lambda asked: BillingModel().invoke(asked).text)
    chain = reworded | BillingModel()
    with audit(kept):
        chain.invoke(ASKED, {"configurable": {"thread_id": "ann"}})
        BillingModel().invoke(ASKED, {"metadata": {"session_id": 7}})
    assert [call.session for call in kept.calls] == ["ann", "ann", "7"]
    first, second, third = kept.calls
    assert first.trace == second.trace != third.trace


def test_the_parts_of_a_prompt() -> None:
    kept = Kept()
    shots = [HumanMessage("2+2", name="example_user"), AIMessage("4", name="example_assistant")]
    turns = [SystemMessage("Be brief."), *shots, HumanMessage("Hi"), AIMessage("Hello.")]
    image = {"type": "image", "url": "https://example.org/soup.png"}
    model = BillingModel().bind(tools=[{"name": "menu"}])
    with audit(kept):
        model.invoke([*turns, HumanMessage([{"type": "text", "text": ASKED}, image])])
    kinds = [segment.kind for segment in kept.only.segments]
    assert kinds == ["tools", "system", "example", "example", "history", "history", "question"]
    assert all(segment.text is None for segment in kept.only.segments)


def test_texts_are_kept_only_if_asked_for() -> None:
    kept = Kept()
    with audit(Recorder(kept, keep_text=True)):
        BillingModel().invoke(ASKED)
    assert kept.only.segments[0].text == ASKED


def test_sixteen_threads() -> None:
    kept, model = Kept(), StreamingModel()
    ledger = LedgerCallback(kept)

    def ask(number: int) -> None:
        config: RunnableConfig = {"callbacks": [ledger], "metadata": {"request_type": str(number)}}
        model.invoke(f"{ASKED} {number}", config)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(400)))
    assert ledger.recorder.flush(30)
    assert sorted(int(call.request_type) for call in kept.calls) == list(range(400))
    assert sum((call.usage for call in kept.calls), Usage()).input_tokens == 400 * 1200


def test_every_thread_of_a_process() -> None:
    kept = Kept()
    with audit(kept, everywhere=True), ThreadPoolExecutor(2) as pool:
        list(pool.map(BillingModel().invoke, ["a", "b"]))
    BillingModel().invoke(ASKED)
    assert len(kept.calls) == 2


def test_nothing_is_recorded_outside_of_a_block() -> None:
    kept = Kept()
    with audit(kept):
        pass
    BillingModel().invoke(ASKED)
    assert kept.calls == []


@pytest.mark.parametrize("ask", WAYS)
def test_a_broken_ledger_breaks_nothing(
    ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = LedgerCallback(Broken())
    for _ in range(3):
        ask(StreamingModel(), {"callbacks": [ledger]})
    ledger.recorder.flush(10)
    assert ledger.recorder.failures == {"recording": 3}
    assert len([m for m in caplog.messages if "passed over" in m]) == 1


def test_a_broken_callback_breaks_nothing() -> None:
    class Odd(LedgerCallback):
        def _begin(self, *args: Any) -> None:
            raise RuntimeError("odd")

    ledger = Odd(Kept())
    assert BillingModel().invoke(ASKED, {"callbacks": [ledger]}).text == "At noon."
    assert ledger.recorder.failures == {"callback": 1}


def test_a_test_can_have_errors_raised() -> None:
    ledger = LedgerCallback(Recorder(Broken(), on_error="raise"))
    with pytest.raises(OSError, match="no space"):
        BillingModel().invoke(ASKED, {"callbacks": [ledger]})


def test_nothing_is_left_open() -> None:
    kept = Kept()
    ledger = LedgerCallback(kept)
    chain = RunnableLambda(lambda asked: asked) | StreamingModel()
    list(chain.stream(ASKED, {"callbacks": [ledger]}))
    assert (ledger._calls, ledger._runs._open) == ({}, {})
    assert isinstance(kept.calls, list)
