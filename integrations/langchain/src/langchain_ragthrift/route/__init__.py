"""The router lever in LangChain: a chat model over tiers, or a middleware that picks one."""

from langchain_ragthrift.route.chat_model import RouterChatModel
from langchain_ragthrift.route.passages import with_passages
from langchain_ragthrift.route.profile import tiers_of

__all__ = ["RouterChatModel", "tiers_of", "with_passages"]
