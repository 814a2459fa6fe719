"""Answers of other caches, taken over into a `SemanticCache`."""

from ragthrift.cache.migrate.gptcache import from_gptcache
from ragthrift.cache.migrate.records import Imported
from ragthrift.cache.migrate.redisvl import from_redisvl

__all__ = ["Imported", "from_gptcache", "from_redisvl"]
