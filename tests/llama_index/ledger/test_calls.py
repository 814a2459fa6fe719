"""What the event handler records of an LLM's call."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.base.llms.types import CacheControl, CachePoint, ChatMessage, TextBlock
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.dispatcher import (  # type: ignore[attr-defined]
    instrument_tags,
)
from llama_index.core.llms import MockLLM

from llama_index_ragthrift import LedgerEvents, LocalLLM, audit
from ragthrift import Tool, Usage
from ragthrift.ledger import Observed, Recorder
from tests.llama_index.fakes import Scripted as LocalScripted
from tests.llama_index.fakes import ScriptedStream
from tests.llama_index.ledger.billing import (
    Billing,
    Broken,
    Kept,
    TwoPartUsage,
    anthropic_raw,
    gemini_raw,
    openai_raw,
)

ASKED = "When is soup?"
ANSWER = "It is at noon."
TURNS = [ChatMessage("Be brief.", role="system"), ChatMessage(ASKED)]


def chat(llm: Any) -> None:
    llm.chat(TURNS)


def achat(llm: Any) -> None:
    asyncio.run(llm.achat(TURNS))


def stream(llm: Any) -> None:
    list(llm.stream_chat(TURNS))


def astream(llm: Any) -> None:
    async def run() -> None:
        async for _ in await llm.astream_chat(TURNS):
            pass

    asyncio.run(run())


def complete(llm: Any) -> None:
    llm.complete(ASKED)


def acomplete(llm: Any) -> None:
    asyncio.run(llm.acomplete(ASKED))


def stream_complete(llm: Any) -> None:
    list(llm.stream_complete(ASKED))


def astream_complete(llm: Any) -> None:
    async def run() -> None:
        async for _ in await llm.astream_complete(ASKED):
            pass

    asyncio.run(run())


WAYS = [chat, achat, stream, astream, complete, acomplete, stream_complete, astream_complete]
STREAMS = (stream, astream, stream_complete, astream_complete)


def recorded(llm: Any, ask: Callable[[Any], None]) -> Kept:
    kept = Kept()
    with audit(kept) as recorder:
        ask(llm)
    assert recorder.failures == {}
    return kept


@pytest.mark.parametrize("ask", WAYS)
def test_openai(ask: Callable[[Any], None]) -> None:
    call = recorded(Billing(ANSWER, raw=openai_raw(), max_tokens=500), ask).only
    assert call.usage == Usage(1200, 340, cache_read_tokens=1024)
    assert call.classes == {"output_reasoning_tokens": 256}
    assert (call.model, call.provider) == ("gpt-5-mini-2025-08-07", "openai")
    assert (call.measured, call.processing, call.max_tokens) == (True, "flex", 500)
    assert sum(segment.tokens for segment in call.segments) == 1200
    assert (call.first_token_seconds is not None) is (ask in STREAMS)


@pytest.mark.parametrize("ask", WAYS)
def test_anthropic(ask: Callable[[Any], None]) -> None:
    call = recorded(Billing(ANSWER, raw=anthropic_raw(), of="Anthropic_LLM"), ask).only
    assert call.usage == Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)
    assert call.classes == {"cache_write_1h_tokens": 1500}
    assert (call.provider, call.finish_reason) == ("anthropic", "length")


@pytest.mark.parametrize("ask", STREAMS)
def test_a_stream_in_two_parts(ask: Callable[[Any], None]) -> None:
    llm = TwoPartUsage(ANSWER, raw=anthropic_raw(), of="Anthropic_LLM")
    call = recorded(llm, ask).only
    assert call.usage == Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)


def test_a_stream_that_does_not_tell_how_long_it_is_cached() -> None:
    """The request does: LlamaIndex drops what Anthropic says of it first."""
    usage = anthropic_raw()["usage"].model_copy(update={"cache_creation": None})
    llm = Billing(ANSWER, raw={"usage": usage}, of="Anthropic_LLM")
    blocks: list[Any] = [
        TextBlock(text=ASKED),
        CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h")),
    ]
    kept = Kept()
    with audit(kept):
        list(llm.stream_chat([ChatMessage(blocks=blocks, role="user")]))
    assert kept.only.classes == {"cache_write_1h_tokens": 2000}


@pytest.mark.parametrize("ask", WAYS)
def test_gemini(ask: Callable[[Any], None]) -> None:
    call = recorded(Billing(ANSWER, raw=gemini_raw(), of="GenAI"), ask).only
    assert call.usage == Usage(900, 210, cache_read_tokens=600)
    assert call.classes == {"output_reasoning_tokens": 150}
    assert call.model == "gemini-2.5-flash"


@pytest.mark.parametrize("ask", WAYS)
def test_a_local_model(ask: Callable[[Any], None]) -> None:
    """Its `complete` is its `chat`, and is not counted twice."""
    model = ScriptedStream(ANSWER) if ask in STREAMS else LocalScripted(ANSWER)
    call = recorded(LocalLLM(model, model_name="scripted-1"), ask).only
    assert call.usage == Usage(40, 7, cache_read_tokens=30, cache_write_tokens=5)
    assert (call.model, call.provider) == ("scripted-1", "")


@pytest.mark.parametrize("ask", [chat, stream])
def test_an_llm_that_calls_its_own_other_method(ask: Callable[[Any], None]) -> None:
    """`CustomLLM.chat` writes its turns as one text for `complete`."""
    call = recorded(MockLLM(max_tokens=5), ask).only
    assert [segment.kind for segment in call.segments] == ["system", "question"]
    assert not call.measured


def test_a_stream_without_usage_is_estimated(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    with audit(kept):
        for _ in range(3):
            stream(Billing(ANSWER, raw=None))
    assert [(call.measured, call.usage) for call in kept.calls] == [(False, Usage(7, 4))] * 3
    assert len([m for m in caplog.messages if "include_usage" in m]) == 1


@pytest.mark.parametrize("ask", [chat, achat, complete, acomplete])
def test_a_failed_call_costs_nothing(ask: Callable[[Any], None]) -> None:
    kept = Kept()
    with audit(kept), pytest.raises(TimeoutError):
        ask(Billing(TimeoutError("no answer")))
    assert (kept.only.error, kept.only.usage) == ("TimeoutError", Usage())


@pytest.mark.parametrize("ask", [stream, astream])
def test_a_stream_that_breaks_off_is_billed_as_far_as_it_came(ask: Callable[[Any], None]) -> None:
    kept = Kept()
    with audit(kept), pytest.raises(ConnectionError):
        ask(Billing(["It is", " at", ConnectionError("dead")]))
    assert (kept.only.error, kept.only.usage) == ("ConnectionError", Usage(7, 2))


def test_a_stream_that_nobody_reads_to_its_end() -> None:
    kept = Kept()
    with audit(kept):
        pieces = Billing(ANSWER).stream_chat(TURNS)
        next(pieces)
        pieces.close()
    assert kept.only.error == "GeneratorExit"


def test_tags() -> None:
    kept = Kept()
    with audit(kept):
        with instrument_tags({"request_type": "faq", "session": "ann", "region": "eu"}):
            chat(Billing(ANSWER))
        chat(Billing(ANSWER))
    named, other = kept.calls
    assert (named.request_type, named.session, named.tags) == ("faq", "ann", ("region:eu",))
    assert (other.request_type, other.session, other.tags) == ("untagged", "", ())


def test_a_function_names_requests() -> None:
    kept = Kept()

    def named(told: Observed) -> str | None:
        return told.names[-1].lower()

    with audit(Recorder(kept, request_type=named)):
        chat(Billing(ANSWER))
    assert kept.only.request_type == "billing"


def test_tools_come_first() -> None:
    kept = Kept()
    with audit(kept):
        Billing(ANSWER).chat(TURNS, tools=[{"name": "menu"}, Tool("day")])
    assert [part.kind for part in kept.only.segments] == ["tools", "tools", "system", "question"]


def test_what_token_counting_handler_gets_wrong() -> None:
    """Tokens of Anthropic's cache, thoughts, and streams whose usage comes in parts."""
    kept = Kept()
    counter = TokenCountingHandler(tokenizer=str.split)
    callbacks = CallbackManager([counter])
    cached = Billing(ANSWER, raw=anthropic_raw(), of="Anthropic_LLM", callback_manager=callbacks)
    thought = Billing(ANSWER, raw=gemini_raw(), of="GenAI", callback_manager=callbacks)
    parts = TwoPartUsage(
        ANSWER, raw=anthropic_raw(), of="Anthropic_LLM", callback_manager=callbacks
    )
    with audit(kept):
        chat(cached)
        chat(thought)
        stream(parts)
    ours = sum((call.usage for call in kept.calls), Usage())
    assert ours == Usage(5050 + 900 + 5050, 80 + 210 + 80, 3000 + 600 + 3000, 4000)
    assert counter.prompt_llm_token_count == 50 + 900 + 50
    assert counter.completion_llm_token_count == 80 + 60 + 80


def test_sixteen_threads() -> None:
    kept, llm = Kept(), Billing(ANSWER, raw=openai_raw())

    def ask(number: int) -> None:
        with instrument_tags({"request_type": str(number)}):
            (stream if number % 2 else chat)(llm)

    with audit(kept), ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(200)))
    assert sorted(int(call.request_type) for call in kept.calls) == list(range(200))


@pytest.mark.parametrize("ask", WAYS)
def test_a_broken_ledger_breaks_nothing(
    ask: Callable[[Any], None], caplog: pytest.LogCaptureFixture
) -> None:
    events = LedgerEvents(Broken()).install()
    for _ in range(3):
        ask(Billing(ANSWER))
    events.uninstall()
    assert events.recorder.failures == {"recording": 3}
    assert len([m for m in caplog.messages if "passed over" in m]) == 1


def test_it_leaves_nothing_behind() -> None:
    root = get_dispatcher()
    before = list(root.event_handlers), list(root.span_handlers)
    events = LedgerEvents(Kept()).install().install()
    assert len(root.event_handlers) == len(before[0]) + 1
    stream(Billing(ANSWER))
    assert (events._calls, events._spans._known) == ({}, {})
    events.uninstall()
    assert (root.event_handlers, root.span_handlers) == before
    chat(Billing(ANSWER))
