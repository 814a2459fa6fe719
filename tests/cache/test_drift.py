"""The drift suite of the benchmarks on some of its questions: nothing stale, nothing wrong."""

from functools import partial
from typing import Any

import pytest

from benchmarks.cache_drift import measure, told
from benchmarks.cache_sets import Known
from benchmarks.cache_world import World, facts
from ragthrift.cache.settings import Mode

pytest.importorskip("onnxruntime", reason="needs ragthrift[embedded]")
FACTS = facts()[::5]


@pytest.mark.parametrize("mode", ["before_retrieval", "auto", "after_retrieval"])
def test_nothing_stale_and_nothing_wrong_is_served(mode: Mode) -> None:
    found = measure(partial(told, Known({}), mode, tell=True), FACTS)
    assert {regime for regime, row in found.items() if row["wrong"] or row["stale"]} == set()
    assert found["again"]["served"] > len(FACTS) / 2
    assert found["changed"]["served"] > len(FACTS), "what is true now is served again"
    assert found["unanswerable"]["served"] == 0


def test_a_cache_that_is_told_nothing_would_be_caught() -> None:
    found: dict[str, Any] = measure(partial(told, Known({}), "before_retrieval", tell=False), FACTS)
    assert found["changed"]["stale"] > len(FACTS) / 2
    assert found["new_chunk"]["stale"] > len(FACTS) / 2


def test_every_edit_changes_what_the_handbook_says() -> None:
    world = World()
    for fact in facts():
        before = world.true(fact.answer)
        world.edit(fact.document, fact.old, fact.new)
        assert fact.old in before
        assert world.true(fact.answer) == before.replace(fact.old, fact.new)
        assert world.true(fact.near_places) != before, fact.near
