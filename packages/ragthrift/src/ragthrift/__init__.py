"""Cut the bill of a RAG application without making its answers worse.

The vocabulary lives here; each lever is a subpackage (`ragthrift.rerank`, `ragthrift.local`).
"""

from ragthrift.errors import (
    ContextOverflowError,
    ContractError,
    InputError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
    RagthriftError,
)
from ragthrift.pipeline import Pipeline, Run, StepRecord
from ragthrift.types import (
    Budget,
    CacheHit,
    Completion,
    Decision,
    Message,
    Passage,
    Price,
    Scope,
    Tier,
    TokenLogprob,
    Tool,
    ToolCall,
)
from ragthrift.usage import Savings, Usage

__all__ = [
    "Budget",
    "CacheHit",
    "Completion",
    "ContextOverflowError",
    "ContractError",
    "Decision",
    "InputError",
    "Message",
    "MissingExtraError",
    "ModelError",
    "ModelNotFoundError",
    "Passage",
    "Pipeline",
    "Price",
    "RagthriftError",
    "Run",
    "Savings",
    "Scope",
    "StepRecord",
    "Tier",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "Usage",
]
