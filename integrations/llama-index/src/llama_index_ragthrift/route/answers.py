"""What LLMs answered, as the router's attempts."""

import json
from contextlib import suppress

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms import LLM
from llama_index.core.llms.function_calling import FunctionCallingLLM

from llama_index_ragthrift.cache.endings import Said
from llama_index_ragthrift.route.calls import texts_of
from llama_index_ragthrift.route.hearing import Hearing
from llama_index_ragthrift.route.telling import Telling
from ragthrift import ToolCall
from ragthrift.route import Attempt


def attempt_of(llm: LLM, said: Said, telling: Telling) -> Attempt:
    """An answer of `chat` or `complete`, as a whole or as the last piece of a stream."""
    calls = tool_calls(llm, said)
    return Attempt(text_of(said), telling.usage, telling.finish_reason, calls, raw=said)


def object_attempt(text: str, raw: object, hearing: Hearing) -> Attempt:
    """An answer that is an object, with what was heard of how it was made."""
    ending = hearing.finish_reason
    # An object is often asked for as a tool's arguments, which is no ending of its own.
    return Attempt(text, hearing.usage, "stop" if ending == "tool_calls" else ending, raw=raw)


def text_of(said: Said) -> str:
    """The words of an answer."""
    return (said.message.content or "") if isinstance(said, ChatResponse) else said.text


def words_of(llm: LLM, said: Said) -> str:
    """The words, or the arguments of the tools that were called in their place."""
    return text_of(said) or "\n".join(call.arguments for call in tool_calls(llm, said))


def calls_tools(said: Said) -> bool:
    """Whether a tool is called, or begins to be."""
    if not isinstance(said, ChatResponse):
        return False
    blocks = any(isinstance(block, ToolCallBlock) for block in said.message.blocks)
    return blocks or bool(said.message.additional_kwargs.get("tool_calls"))


def tool_calls(llm: LLM, said: Said) -> tuple[ToolCall, ...]:
    """The tools that are called; older integrations keep them where only they can read them."""
    if not isinstance(said, ChatResponse):
        return ()
    [message] = texts_of([said.message])
    if message.tool_calls or not said.message.additional_kwargs.get("tool_calls"):
        return message.tool_calls
    if isinstance(llm, FunctionCallingLLM):
        with suppress(Exception):
            found = llm.get_tool_calls_from_response(said, error_on_no_tool_call=False)
            return tuple(
                ToolCall(one.tool_id, one.tool_name, json.dumps(one.tool_kwargs, default=str))
                for one in found
            )
    return ()
