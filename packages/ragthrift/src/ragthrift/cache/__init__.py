"""Answer what was asked before, in these words or others, and never what only looks like it."""

from ragthrift.cache.answering import Compute, ComputeStream, Retrieve
from ragthrift.cache.entry import Entry, Learnt, NewEntry, Place, Terms
from ragthrift.cache.evidence import Evidence, evidence_of
from ragthrift.cache.fresh import Fresh, is_refusal
from ragthrift.cache.lookup import Answer, Lookup
from ragthrift.cache.policy import NeverServe, Policy
from ragthrift.cache.redis.store import RedisStore
from ragthrift.cache.report import CacheReport, cache_report
from ragthrift.cache.scope import Asked, cache_scope, fingerprint, last_question
from ragthrift.cache.semantic_cache import SemanticCache
from ragthrift.cache.serving.policy import ServingPolicy
from ragthrift.cache.settings import Capacity, Freshness, Gate, Lifetime, Mode, Rules
from ragthrift.cache.sqlite_store import SqliteStore
from ragthrift.cache.store import Store
from ragthrift.cache.values import Values

__all__ = [
    "Answer",
    "Asked",
    "CacheReport",
    "Capacity",
    "Compute",
    "ComputeStream",
    "Entry",
    "Evidence",
    "Fresh",
    "Freshness",
    "Gate",
    "Learnt",
    "Lifetime",
    "Lookup",
    "Mode",
    "NeverServe",
    "NewEntry",
    "Place",
    "Policy",
    "RedisStore",
    "Retrieve",
    "Rules",
    "SemanticCache",
    "ServingPolicy",
    "SqliteStore",
    "Store",
    "Terms",
    "Values",
    "cache_report",
    "cache_scope",
    "evidence_of",
    "fingerprint",
    "is_refusal",
    "last_question",
]
