"""One prompt of a conversation: its view instead of its history."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_ragthrift.memory.messages import to_turns, with_originals
from langchain_ragthrift.route.passages import retrieved
from ragthrift.memory import ConversationMemory

log = logging.getLogger(__name__)

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
    try:
        turns = to_turns(messages)
        if session is None:
            view = memory.condense(turns)
        else:
            view = memory.view(session, turns, passages=retrieved() or ())
    except Exception as error:  # noqa: BLE001  (whatever failed, the conversation goes on)
        log.warning(
            "the memory failed, so all %d messages are sent: %s: %s",
            len(messages),
            type(error).__name__,
            error,
        )
        return list(messages)
    return with_originals(view, turns, messages)
