"""A tool that gives an agent the whole of what its view shows cut short."""

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException, tool

from langchain_ragthrift.memory.viewing import session_in
from ragthrift import InputError
from ragthrift.memory import ConversationMemory


def fetch_tool(memory: ConversationMemory) -> BaseTool:
    """A tool for long tool results of earlier questions, which views cut, leaving a handle.

    It works in conversations that have a `thread_id`. Its schema costs tokens in every prompt: it
    pays where tools return much and users come back to it.
    """

    @tool
    def fetch_whole_result(handle: str, config: RunnableConfig) -> str:
        """Read an earlier tool result that was cut short, by the handle that stands in it."""
        session = session_in(config)
        if session is None:
            raise ToolException("this conversation has no thread_id, so nothing can be fetched")
        try:
            return memory.fetch(session, handle).content
        except InputError as error:
            raise ToolException(str(error)) from error

    fetch_whole_result.handle_tool_error = True
    return fetch_whole_result
