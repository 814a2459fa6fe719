"""LlamaIndex's tools as a local model takes them, and the calls that it answers with."""

import json
from collections.abc import Sequence
from typing import TypeGuard

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import BaseTool

from ragthrift import Tool


def to_tools(tools: Sequence[BaseTool]) -> tuple[Tool, ...]:
    """Name, description and the JSON schema of the arguments.

    >>> from llama_index.core.tools import FunctionTool
    >>> def menu(day: int) -> str:
    ...     "Dishes of a day."
    >>> to_tools([FunctionTool.from_defaults(menu)])[0].parameters["required"]
    ['day']
    """
    return tuple(
        Tool(
            tool.metadata.get_name(),
            tool.metadata.description,
            tool.metadata.get_parameters_dict(),
        )
        for tool in tools
    )


def calls_functions(llm: object) -> TypeGuard[FunctionCallingLLM]:
    """Whether a model has the methods for it, and says that it can."""
    return isinstance(llm, FunctionCallingLLM) and llm.metadata.is_function_calling_model


def selections(response: ChatResponse, *, must: bool) -> list[ToolSelection]:
    """The calls of an answer; ValueError, which LlamaIndex expects, if there `must` be one."""
    blocks = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    if must and not blocks:
        raise ValueError("the model answered without a tool call, though one was expected")
    return [
        ToolSelection(
            tool_id=block.tool_call_id or "",
            tool_name=block.tool_name,
            tool_kwargs=_arguments(block),
        )
        for block in blocks
    ]


def with_one_call(response: ChatResponse) -> ChatResponse:
    """The answer with its first call alone, for callers that run one tool at a time."""
    calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    blocks = [block for block in response.message.blocks if block not in calls[1:]]
    message = response.message.model_copy(update={"blocks": blocks})
    return response.model_copy(update={"message": message})


def _arguments(block: ToolCallBlock) -> dict[str, object]:
    """LlamaIndex runs a tool with no arguments where the model wrote none that can be read."""
    if not isinstance(block.tool_kwargs, str):
        return dict(block.tool_kwargs)
    try:
        read = json.loads(block.tool_kwargs)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
