"""LangChain's messages and tools with cache markers."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_ragthrift.convert import block_text
from ragthrift.prompt import canonical_json, sorted_keys
from ragthrift.provider_cache import CacheRules, with_cache_markers, without_cache_markers

Said = TypeVar("Said", bound=BaseMessage)


def message_text(message: BaseMessage) -> str:
    """All that a message says and calls, as it is counted."""
    texts = [block_text(block) or "" for block in blocks_of(message)]
    calls = getattr(message, "tool_calls", None)
    return "".join(texts) + (canonical_json(calls) if calls else "")


def blocks_of(message: BaseMessage) -> list[dict[str, Any]]:
    """A message's content as blocks; none where it is empty."""
    content = message.content
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [{"type": "text", "text": one} if isinstance(one, str) else one for one in content]


def unmarked(message: Said) -> Said:
    """The message itself if it has no markers, otherwise a copy without them."""
    if isinstance(message.content, str):
        return message
    plain = without_cache_markers(message.content)
    return message if plain == message.content else message.model_copy(update={"content": plain})


def marked(message: Said, rules: CacheRules, lifetime: str) -> Said:
    """A copy with a marker after its last text; the message itself where there is none."""
    blocks = blocks_of(message)
    places = [n for n, block in enumerate(blocks) if block_text(block)]
    if not places:
        return message
    content = with_cache_markers(blocks, places[-1:], rules, lifetime)
    return message.model_copy(update={"content": content})


def canonical_tools(tools: Sequence[Any]) -> list[Any]:
    """Tools by name, without markers; the keys of those in JSON are sorted."""
    return sorted((_unmarked_tool(tool) for tool in tools), key=_tool_name)


def marked_tool(tool: Any, rules: CacheRules, lifetime: str) -> Any:
    """A copy with a marker, where the provider takes one on a tool: Anthropic does."""
    if rules.style != "cache_control" or not isinstance(tool, BaseTool):
        return tool
    [extras] = with_cache_markers([tool.extras or {}], [0], rules, lifetime)
    return tool.model_copy(update={"extras": extras})


def tool_text(tool: Any) -> str:
    """A tool as it is counted."""
    return canonical_json(convert_to_openai_tool(tool) if not isinstance(tool, dict) else tool)


def _unmarked_tool(tool: Any) -> Any:
    if isinstance(tool, BaseTool):
        if not tool.extras or without_cache_markers(tool.extras) == tool.extras:
            return tool
        return tool.model_copy(update={"extras": without_cache_markers(tool.extras) or None})
    return sorted_keys(without_cache_markers(tool)) if isinstance(tool, Mapping) else tool


def _tool_name(tool: Any) -> str:
    if isinstance(tool, Mapping):
        inner = tool.get("function") if isinstance(tool.get("function"), Mapping) else tool
        return str((inner or tool).get("name") or tool.get("type") or "")
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))
