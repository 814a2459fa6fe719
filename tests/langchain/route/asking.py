"""Asks a chat model in all ways, and reads what it says of its routing."""

from typing import Any

import pytest
from langchain_core.tools import tool

from tests.langchain.route.fakes import EASY

DECLINED = "I'm sorry, I can't help with that."
both = pytest.mark.parametrize("how", ["sync", "async"])


async def ask(chat: Any, how: str, asked: Any = EASY, **config: Any) -> Any:
    return await chat.ainvoke(asked, config) if how == "async" else chat.invoke(asked, config)


async def chunks(chat: Any, how: str, asked: Any = EASY, **config: Any) -> list[Any]:
    if how == "async":
        return [chunk async for chunk in chat.astream(asked, config)]
    return list(chat.stream(asked, config))


def routing(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = message.response_metadata["routing"]
    return found


def joined(said: list[Any]) -> Any:
    whole = said[0]
    for chunk in said[1:]:
        whole = whole + chunk
    return whole


@tool
def opening(day: str) -> str:
    """When the canteen opens."""
    return "nine"
