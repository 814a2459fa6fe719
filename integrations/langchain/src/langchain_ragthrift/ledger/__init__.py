"""The ledger in LangChain: a callback that records what every model call used."""

from langchain_ragthrift.ledger.auditing import audit
from langchain_ragthrift.ledger.callback import LedgerCallback

__all__ = ["LedgerCallback", "audit"]
