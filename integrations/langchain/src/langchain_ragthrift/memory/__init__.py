"""Conversations in LangChain that send little and forget nothing."""

from langchain_ragthrift.memory.condensed import condensed
from langchain_ragthrift.memory.fetching import fetch_tool
from langchain_ragthrift.memory.history import CondensedHistory
from langchain_ragthrift.memory.history_log import chat_history_log

__all__ = ["CondensedHistory", "chat_history_log", "condensed", "fetch_tool"]
