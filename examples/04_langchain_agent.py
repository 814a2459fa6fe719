"""Agents get retrieved text in tool messages: a middleware trims it there."""

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool

from langchain_ragthrift import TrimToolMessages
from ragthrift.rerank import HybridReranker, Keep
from ragthrift_bench import handbook


@tool(response_format="content_and_artifact")
def search_handbook(query: str) -> tuple[str, list[Document]]:
    """Search the staff handbook."""
    found = [Document(p.text, id=p.id) for p in handbook.passages()[:10]]
    return "\n\n".join(document.page_content for document in found), found


class Scripted(GenericFakeChatModel):
    """Stands for a model that calls tools: it searches once, then answers."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "Scripted":  # type: ignore[override]
        """Take the tools; the script knows them already."""
        return self


call = {"name": "search_handbook", "args": {"query": "days of annual leave"}, "id": "1"}
agent = create_agent(
    Scripted(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("27 days")])),
    tools=[search_handbook],
    middleware=[TrimToolMessages(steps=[HybridReranker(keep=Keep(top_k=2))])],
)
state = agent.invoke({"messages": [("user", "How much leave do I get?")]})
trimmed = next(message for message in state["messages"] if isinstance(message, ToolMessage))
print(len(trimmed.artifact), "of 10 documents reached the model:")
print(trimmed.content)
