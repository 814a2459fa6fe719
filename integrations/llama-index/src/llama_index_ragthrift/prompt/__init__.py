"""Provider caching in query engines and chats."""

from llama_index_ragthrift.prompt.points import (
    QUESTION,
    cached_template,
    with_cache_points,
    without_cache_points,
)
from llama_index_ragthrift.prompt.postprocessor import CanonicalOrder
from llama_index_ragthrift.prompt.rules import POINTS, rules_of

__all__ = [
    "POINTS",
    "QUESTION",
    "CanonicalOrder",
    "cached_template",
    "rules_of",
    "with_cache_points",
    "without_cache_points",
]
