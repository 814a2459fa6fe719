"""The levers of a stack, and the one order in which they work."""

from dataclasses import dataclass, fields

from ragthrift.cache import SemanticCache
from ragthrift.errors import InputError
from ragthrift.ledger import Recorder
from ragthrift.ledger.recorder import Records
from ragthrift.memory import ConversationMemory
from ragthrift.prompt import PromptLayout
from ragthrift.prompt.output import OutputBudget
from ragthrift.protocols import Compressor, Reranker
from ragthrift.route import Router
from ragthrift.stack.fights import fights

ORDER = (
    "exact cache",
    "semantic cache",
    "retrieval",
    "rerank and trim",
    "deduplication",
    "compression",
    "history",
    "layout and markers",
    "route",
    "output budget",
    "ledger",
)
"""What a call goes through. Questions are looked up as they were asked, before anything is spent on
them; answers rest on what was retrieved, not on what was made of it; only documents are compressed,
after the last of them was dropped; what stays the same is put first when all parts are there; a
model is chosen for the prompt that it will get; and every attempt is in the ledger."""


@dataclass(frozen=True, kw_only=True)
class Levers:
    """Any subset; each is configured by itself.

    Raises `InputError` for levers that fight, with the reason and what to do instead.

    >>> from ragthrift.rerank import HybridReranker, Keep
    >>> Levers(rerank=HybridReranker(keep=Keep(top_k=3, max_similarity=0.9))).names
    ('rerank',)
    """

    cache: SemanticCache | None = None
    rerank: Reranker | None = None
    """Orders and trims; `Keep(max_similarity=...)` drops what says the same again."""
    compress: Compressor | None = None
    memory: ConversationMemory | None = None
    layout: PromptLayout | None = None
    router: Router | None = None
    output: OutputBudget | None = None
    ledger: Records | Recorder | None = None

    def __post_init__(self) -> None:
        found = fights(self)
        if found:
            raise InputError("these levers fight:\n" + "\n".join(f"- {fight}" for fight in found))

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are there, in their order."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name) is not None)
