"""One prompt of a conversation: its view instead of its history."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_ragthrift.memory.messages import to_turns, with_originals
from langchain_ragthrift.route.passages import retrieved
from ragthrift import ContractError, InputError, Message
from ragthrift.memory import ConversationMemory

SESSION_KEYS = ("thread_id", "session_id")
"""Where LangGraph and `RunnableWithMessageHistory` name a conversation."""


def session_in(config: Mapping[str, Any]) -> str | None:
    """The name of a conversation in a run's config.

    >>> session_in({"configurable": {"thread_id": 7}}), session_in({})
    ('7', None)
    """
    configurable = config.get("configurable") or {}
    named = (configurable.get(key) for key in SESSION_KEYS)
    return next((str(name) for name in named if name not in (None, "")), None)


def viewed(
    memory: ConversationMemory, session: str | None, messages: Sequence[BaseMessage]
) -> list[BaseMessage]:
    """What to send; all of `messages` where the memory fails, since an answer matters more.

    Without a name a conversation is known by its beginning, and a summary is waited for.
    """
    with memory.tally.passing("view"):
        turns = _read(messages)
        if session is None:
            view = memory.condense(turns)
        else:
            view = memory.view(session, turns, passages=retrieved() or ())
        return with_originals(view, turns, messages)
    return list(messages)


def _read(messages: Sequence[BaseMessage]) -> list[Message]:
    """The turns; a message that has none, such as a function's, is no mistake of this call."""
    try:
        return to_turns(messages)
    except InputError as error:
        raise ContractError(str(error)) from error
