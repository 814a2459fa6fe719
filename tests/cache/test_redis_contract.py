"""The contract of every cache, and what holds for the file, on each kind of server."""

import uuid
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ragthrift.cache import Capacity, Freshness, RedisStore, SemanticCache
from ragthrift.cache.settings import Mode
from ragthrift.protocols import Cache
from ragthrift.testing import CacheContract, FakeEmbedder
from tests.cache import test_answer, test_evidence, test_store
from tests.cache.fakes import ServeNear
from tests.cache.servers import Server

# ruff: noqa: F401 - collected here once more, with stores in Redis
from tests.cache.test_answer import (
    test_a_hundred_at_once_make_one_call,
    test_a_lease_of_the_dead_runs_out,
    test_a_poisoned_answer_is_not_shared,
    test_an_answer_is_shared_after_two_users,
    test_an_audit_calls_the_model_and_learns,
    test_equal_answers_share_a_group,
    test_explain_changes_nothing,
    test_never_stored,
    test_shadow_mode_serves_nothing_and_says_what_it_would,
    test_streams_of_two_caches_on_one_file_make_one_call,
    test_who_asks_after_a_change_does_not_wait_for_the_call_of_before,
)
from tests.cache.test_evidence import (
    test_a_change_of_another_document_drops_nothing,
    test_a_change_while_retrieving_is_noticed,
    test_a_changed_version_is_unservable,
    test_a_fresh_answer_moves_a_document_that_nobody_declared,
    test_a_late_write_of_the_old_version_does_not_come_back,
    test_a_write_that_raced_with_a_change_is_dropped,
    test_after_retrieval_compares_versions,
    test_after_retrieval_serves_on_the_same_evidence_only,
    test_an_answer_made_while_chunks_came_is_looked_at_again,
    test_an_answer_without_a_version_goes_with_any_change,
    test_an_empty_version_is_refused,
    test_an_old_version_is_not_stored_after_the_change,
    test_answers_near_a_new_chunk_are_not_served_before_retrieval,
    test_auto_retrieves_only_near_new_chunks,
    test_both_ways_to_ask_are_served_at_first,
    test_passages_of_ones_own_need_the_fence_of_before,
    test_the_declared_version_stays,
    test_two_versions_of_one_document_are_not_stored,
)
from tests.cache.test_store import (
    test_a_file_is_opened_again,
    test_a_forked_process_shares_the_file,
    test_answers_with_half_a_surrogate_come_back,
    test_two_caches_on_one_file_see_each_other,
    test_what_is_served_often_or_was_dear_stays,
)


@pytest.fixture(autouse=True)
def on_redis(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where those tests make a cache with a file, make one with the server instead."""

    def opened(path: Path, **settings: object) -> SemanticCache:
        store = RedisStore(server.url, prefix=_prefix(path), **settings)  # type: ignore[arg-type]
        return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.6), on_error="raise")

    def evident(mode: Mode = "before_retrieval") -> SemanticCache:
        store = RedisStore(server.url, prefix=_prefix())
        freshness, policy = Freshness(mode), ServeNear(0.6)
        return SemanticCache(
            FakeEmbedder(), store=store, policy=policy, freshness=freshness, on_error="raise"
        )

    def answering(store: Path | None = None, **settings: object) -> SemanticCache:
        kept = RedisStore(server.url, prefix=_prefix(store))
        settings = {"policy": ServeNear(0.6), "on_error": "raise"} | settings
        return SemanticCache(FakeEmbedder(), store=kept, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(test_store, "open_cache", opened)
    monkeypatch.setattr(test_evidence, "make", evident)
    monkeypatch.setattr(test_answer, "make", answering)


def _prefix(path: Path | None = None) -> str:
    return "-".join(path.parts[-2:]) if path else uuid.uuid4().hex


class TestRedisCache(CacheContract):
    key: bytes | None = None

    @pytest.fixture(autouse=True)
    def _at(self, server: Server) -> None:
        self.url = server.url

    def make(self) -> Cache:
        capacity = Capacity(max_entries=100_000, max_bytes=100_000_000)
        store = RedisStore(self.url, prefix=_prefix(), key=self.key, capacity=capacity)
        return SemanticCache(FakeEmbedder(), store=store, policy=ServeNear(0.99), on_error="raise")


class TestEncryptedRedisCache(TestRedisCache):
    key = Fernet.generate_key()
