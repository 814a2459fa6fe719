"""The ledger in LlamaIndex: an event handler that records what every model call used."""

from llama_index_ragthrift.ledger.events import LedgerEvents, audit

__all__ = ["LedgerEvents", "audit"]
