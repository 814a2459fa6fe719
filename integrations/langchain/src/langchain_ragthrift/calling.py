"""LangChain's arguments of a call as a local model takes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from ragthrift import InputError, Tool

ToolLike = dict[str, Any] | type | Callable[..., Any] | BaseTool

_ALIKE = {None: "auto", True: "required", False: "none", "any": "required"}


def to_tool(tool: ToolLike) -> Tool:
    """A tool in any form that LangChain knows.

    >>> def menu(day: int) -> str:
    ...     "Dishes of a day."
    >>> to_tool(menu).description, to_tool(menu).parameters["required"]
    ('Dishes of a day.', ['day'])
    """
    function = convert_to_openai_tool(tool)["function"]
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    return Tool(function["name"], function.get("description", ""), parameters)


def to_choice(choice: str | bool | Mapping[str, Any] | None) -> str:
    """`auto`, `none`, `required`, or the name of a tool.

    >>> to_choice("any"), to_choice({"type": "function", "function": {"name": "menu"}})
    ('required', 'menu')
    """
    if isinstance(choice, Mapping):
        name = choice.get("name") or (choice.get("function") or {}).get("name")
        if not isinstance(name, str):
            raise InputError(f"tool_choice={choice!r} names no function")
        return name
    return _ALIKE[choice] if choice in _ALIKE else str(choice)


def to_settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with tools and their choice in ragthrift's nouns; others as they are."""
    settings = dict(arguments)
    tools: Sequence[ToolLike] | None = settings.pop("tools", None)
    choice = to_choice(settings.pop("tool_choice", None))
    if tools:
        settings |= {"tools": tuple(map(to_tool, tools)), "tool_choice": choice}
    return settings
