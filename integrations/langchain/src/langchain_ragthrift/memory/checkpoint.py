"""What a memory made of a conversation, in the checkpoint of the conversation's graph."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware.types import AgentState, PrivateStateAttr
from langgraph.types import Command

from ragthrift.memory import ViewState
from ragthrift.memory.state import packed_state, unpacked_state

KEY = "ragthrift_memory"
"""Where the graph's state has it; it is neither in the agent's input nor in its output."""


class MemoryState(AgentState[Any]):
    """An agent's state, with the summaries and facts of its messages as text."""

    ragthrift_memory: NotRequired[Annotated[str, PrivateStateAttr]]


def checkpointed(state: Mapping[str, Any]) -> ViewState:
    """What a graph's state holds; raises where that cannot be read.

    >>> checkpointed({"messages": []}).segments
    ()
    """
    text = state.get(KEY)
    return unpacked_state(text, 0) if text else ViewState()


def update_of(derived: ViewState, known: ViewState) -> Command[Any] | None:
    """The update of a graph's state that holds `known`; `None` if that holds all, or would lose.

    A memory that could not adopt what is `known`, since it was summarising, does so later.
    """
    lost = {one.id for one in known.segments} - {one.id for one in derived.segments}
    if lost or replace(derived, version=0) == known:
        return None
    return Command(update={KEY: packed_state(derived)})
