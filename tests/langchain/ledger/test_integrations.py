"""LangChain's own integrations, with a server on this machine in the providers' place."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_socket
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import HumanMessage

from langchain_ragthrift import audit
from ragthrift import Usage
from tests.langchain.ledger.billing import Kept
from tests.ledger.provider_server import provider

ASKED = "When is soup?"
HOW = pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])


@pytest.fixture
def server(no_network: None) -> Iterator[str]:
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1"])
    with provider() as address:
        yield address
    pytest_socket._remove_restrictions()


def chat_openai(server: str, **options: Any) -> Any:
    package = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
    return package.ChatOpenAI(
        model="gpt-5-mini", base_url=f"{server}/v1", api_key="none", max_retries=0, **options
    )


def chat_anthropic(server: str) -> Any:
    package = pytest.importorskip("langchain_anthropic", reason="langchain-anthropic is missing")
    return package.ChatAnthropic(
        model="claude-sonnet-4-5", base_url=server, api_key="none", max_retries=0, max_tokens=500
    )


def ask(model: Any, how: str, asked: Any = ASKED, **config: Any) -> None:
    async def run() -> None:
        if how == "ainvoke":
            await model.ainvoke(asked, config)
        else:
            async for _ in model.astream(asked, config):
                pass

    if how == "invoke":
        model.invoke(asked, config)
    elif how == "stream":
        list(model.stream(asked, config))
    else:
        asyncio.run(run())


@HOW
def test_chat_openai(server: str, how: str) -> None:
    kept = Kept()
    with audit(kept):
        ask(chat_openai(server, stream_usage=True, max_tokens=700), how)
    call = kept.only
    assert call.usage == Usage(1200, 340, cache_read_tokens=1024)
    assert call.classes == {"output_reasoning_tokens": 256}
    assert (call.model, call.provider) == ("gpt-5-mini-2025-08-07", "openai")
    assert (call.measured, call.finish_reason, call.max_tokens) == (True, "stop", 700)


def test_a_stream_of_chat_openai_with_its_defaults(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At another address than OpenAI's, LangChain does not ask for usage."""
    kept = Kept()
    with audit(kept):
        ask(chat_openai(server), "stream")
    assert not kept.only.measured
    assert "stream_usage=True" in caplog.text


@HOW
def test_chat_anthropic(server: str, how: str) -> None:
    """A stream's end tells no lifetimes: those of the request are taken."""
    kept, stock = Kept(), UsageMetadataCallbackHandler()
    mark = {"type": "ephemeral", "ttl": "1h" if "stream" in how else "5m"}
    marked = HumanMessage([{"type": "text", "text": ASKED, "cache_control": mark}])
    with audit(kept):
        ask(chat_anthropic(server), how, [marked], callbacks=[stock])
    call = kept.only
    assert call.usage == Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)
    hour = 2000 if "stream" in how else 1500
    assert call.classes == {"cache_write_1h_tokens": hour}
    assert (call.model, call.provider) == ("claude-sonnet-4-5-20250929", "anthropic")
    assert (call.finish_reason, call.max_tokens) == ("stop", 500)
    told: Any = stock.usage_metadata["claude-sonnet-4-5-20250929"]
    assert told["input_token_details"]["cache_creation"] == (2000 if "stream" in how else 0)


def test_a_refused_request(server: str) -> None:
    kept = Kept()
    with audit(kept), pytest.raises(Exception, match="400"):
        ask(chat_openai(server), "invoke", "fail")
    assert kept.only.error.endswith("RequestError")
    assert (kept.only.usage, kept.only.measured) == (Usage(), False)
