"""Conversations in LangChain that send little and forget nothing."""

from langchain_ragthrift.memory.condensed import condensed
from langchain_ragthrift.memory.fetching import fetch_tool
from langchain_ragthrift.memory.history import CondensedHistory

__all__ = ["CondensedHistory", "condensed", "fetch_tool"]
