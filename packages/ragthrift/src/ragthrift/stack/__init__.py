"""All levers in one order, from the user's own retriever and model."""

from ragthrift.stack.fights import Fight, fights
from ragthrift.stack.levers import ORDER, Levers
from ragthrift.stack.stack import Stack, Stacked

__all__ = ["ORDER", "Fight", "Levers", "Stack", "Stacked", "fights"]
