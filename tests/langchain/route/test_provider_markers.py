"""Markers for one provider's cache do not reach another's model."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool

from langchain_ragthrift import RoutingMiddleware, tiers_of
from ragthrift.route import Router
from tests.langchain.route.fakes import EASY, PRICES, LimitError, Speaker, routed_by

MARKED = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
PLAIN = {"type": "text", "text": "Be brief."}


@tool(extras={"cache_control": {"type": "ephemeral"}, "colour": "red"})
def opening(day: str) -> str:
    """When the canteen opens."""
    return "nine"


def mixed(cheap: str, strong: str) -> dict[str, Any]:
    return {
        "cheap": Speaker(provider=cheap, says=[LimitError("slow down")]),
        "strong": Speaker(provider=strong, says="At nine.", calls_tools=False),
    }


@pytest.mark.parametrize(
    ("cheap", "strong", "kept"),
    [
        ("anthropic-chat", "openai-chat", [True, False]),
        ("openai-chat", "anthropic-chat", [False, True]),
        ("elsewhere", "elsewhere", [True, True]),
    ],
)
async def test_each_provider_gets_its_own(cheap: str, strong: str, kept: list[bool]) -> None:
    models = mixed(cheap, strong)
    asked = [SystemMessage([MARKED]), HumanMessage(EASY)]
    routed_by(models).invoke(asked, cache_control={"type": "ephemeral"})
    for model, stays in zip(models.values(), kept, strict=True):
        messages, kwargs = model.heard[0]
        assert messages[0].content == [MARKED if stays else PLAIN]
        assert ("cache_control" in kwargs) is stays
    assert asked[0].content == [MARKED]


async def test_tools_are_cleaned_too() -> None:
    seen: list[Any] = []

    class Watched(Speaker):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            seen.append((self.provider, [tool.extras for tool in tools], sorted(kwargs)))
            return super().bind_tools(tools, **kwargs)

    models = {
        "cheap": Watched(provider="openai-chat", says=[LimitError("slow down")]),
        "strong": Watched(provider="anthropic-chat", calls_tools=False),
    }
    chat = routed_by(models)
    chat.bind_tools([opening], cache_control={"type": "ephemeral"}).invoke(EASY)
    extras = {"cache_control": {"type": "ephemeral"}, "colour": "red"}
    assert seen == [
        ("openai-chat", [{"colour": "red"}], []),
        ("anthropic-chat", [extras], ["cache_control"]),
    ]


async def test_an_agent_s_request_is_cleaned() -> None:
    @wrap_model_call
    def marking(request: Any, handler: Any) -> Any:
        """As a caching middleware before the router does."""
        settings = {"cache_control": {"type": "ephemeral"}}
        return handler(
            request.override(system_message=SystemMessage([MARKED]), model_settings=settings)
        )

    models = mixed("openai-chat", "anthropic-chat")
    middleware: Any = RoutingMiddleware(Router(tiers_of(models, PRICES)), models)
    agent = create_agent(models["strong"], middleware=[marking, middleware])
    agent.invoke({"messages": [HumanMessage(EASY)]})
    for model, stays in ((models["cheap"], False), (models["strong"], True)):
        messages, kwargs = model.heard[0]
        assert messages[0].content == [MARKED if stays else PLAIN]
        assert ("cache_control" in kwargs) is stays
