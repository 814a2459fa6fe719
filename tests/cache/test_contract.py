"""The contract of every cache, kept by each way to set this one up."""

from cryptography.fernet import Fernet

from ragthrift.cache import Capacity, SemanticCache, SqliteStore
from ragthrift.protocols import Cache
from ragthrift.testing import CacheContract, FakeEmbedder
from tests.cache.fakes import ServeNear


class TestExactCache(CacheContract):
    def make(self) -> Cache:
        return SemanticCache(None, on_error="raise")


class TestSemanticCache(CacheContract):
    """With the policy that decides when none is given."""

    def make(self) -> Cache:
        return SemanticCache(FakeEmbedder(), on_error="raise")


class TestFullCache(CacheContract):
    def make(self) -> Cache:
        store = SqliteStore(capacity=Capacity(max_entries=100_000, max_bytes=100_000_000))
        return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.99), on_error="raise")


class TestEncryptedCache(CacheContract):
    def make(self) -> Cache:
        store = SqliteStore(key=Fernet.generate_key())
        return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.99), on_error="raise")
