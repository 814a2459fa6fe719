"""Conversations that are remembered whole and sent short, in LlamaIndex."""

from llama_index_ragthrift.memory.memory import RagthriftMemory
from llama_index_ragthrift.memory.store_log import chat_store_log
from llama_index_ragthrift.memory.summary_block import SummaryMemoryBlock

__all__ = ["RagthriftMemory", "SummaryMemoryBlock", "chat_store_log"]
