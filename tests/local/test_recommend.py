import json
from pathlib import Path

import pytest

from ragthrift.errors import InputError
from ragthrift.local.memory_need import memory_need
from ragthrift.local.perplexity import Change
from ragthrift.local.recommend import Measured, compare, recommend
from ragthrift.local.recommend_table import as_json, as_table

MB = 1_000_000


@pytest.fixture
def measured(smollm2_path: Path) -> list[Measured]:
    """Numbers as they may come; the path is that of a real model, for its shape."""

    def row(kind: str, size: int, loss: float, margin: float, decode: float) -> Measured:
        change = Change(loss, loss - margin, loss + margin, 0.9, 4000)
        return Measured(kind, smollm2_path, size * MB, 20 * (1 + loss), change, 200, decode, 3)

    return [
        row("as given", 270, 0, 0, 30),
        row("q8_0", 145, 0.004, 0.003, 35),
        row("q6_k", 138, 0.009, 0.005, 50),
        row("q4_0", 92, 0.2, 0.02, 60),
    ]


def test_the_smallest_that_surely_holds_the_bound_is_taken(measured: list[Measured]) -> None:
    found = recommend(measured, max_loss=0.01, memory=10_000 * MB)
    assert found.chosen is measured[1], "q6_k may lose more than 1 %, though its middle is below"
    assert str(found).startswith("take q8_0\n")
    assert "q6_k: may lose 1.40%, the bound is 1.00%" in str(found)
    loose = recommend(measured, max_loss=0.015, memory=10_000 * MB)
    assert loose.chosen is measured[2]


def test_the_fastest_may_be_asked_for(measured: list[Measured]) -> None:
    slow_but_small = measured[:3]
    found = recommend(slow_but_small, max_loss=0.02, prefer="speed", memory=10_000 * MB)
    assert found.chosen is measured[2]
    given_alone = recommend(measured, max_loss=0, memory=10_000 * MB)
    assert given_alone.chosen is measured[0]


def test_what_does_not_fit_is_not_taken(measured: list[Measured], smollm2_path: Path) -> None:
    need = memory_need(smollm2_path, n_ctx=4096)
    without_weights = need.total - need.weights
    found = recommend(measured, max_loss=0.5, memory=without_weights + 140 * MB)
    assert found.chosen is measured[3]
    assert "q8_0: needs" in str(found)
    none = recommend(measured, max_loss=0.01, memory=without_weights + 100 * MB)
    assert none.chosen is None
    assert str(none).startswith("none of these will do")
    slots = recommend(measured, max_loss=0.5, slots=8, memory=without_weights + 140 * MB)
    assert slots.chosen is None


def test_bounds_that_cannot_be_are_refused(measured: list[Measured]) -> None:
    for bound in (-0.1, float("nan")):
        with pytest.raises(InputError, match="max_loss"):
            recommend(measured, max_loss=bound)
    with pytest.raises(InputError, match="nothing was measured"):
        recommend([])


def test_a_table_and_json_hold_every_row(measured: list[Measured]) -> None:
    lines = as_table(measured).splitlines()
    assert len(lines) == 6
    assert "+0.40% (+0.10% to +0.70%)" in lines[2]
    assert len({len(line) for line in lines[:5]}) == 1, "columns are aligned"
    rows = json.loads(json.dumps(as_json(measured)))
    assert rows[3]["change"]["perplexity"] == 0.2
    assert rows[0]["path"].endswith(".gguf")


def test_an_unknown_kind_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no kind 'q9'"):
        next(compare(tmp_path / "none.gguf", ["q9"], "text"))
