import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.route_curve import apgr, cost_at, cpt
from tests.route.learning.questions import outcomes, sums


def last_line(*arguments: str) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.route", "--runs", "1", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_scores_by_chance_recover_half_and_perfect_ones_more() -> None:
    random = np.random.default_rng(0)
    weak = (random.random(20_000) < 0.6).astype(float)
    strong = (random.random(20_000) < 0.8).astype(float)
    chance = random.random(20_000)
    assert apgr(chance, weak, strong) == pytest.approx(0.5, abs=0.03)
    assert cpt(chance, weak, strong, 0.5) == pytest.approx(50, abs=4)
    assert apgr(strong - weak + chance / 10, weak, strong) > 1


def test_equal_scores_say_nothing() -> None:
    weak, strong = np.array([0.0, 1.0, 0.0, 1.0]), np.ones(4)
    assert apgr(np.ones(4), weak, strong) == pytest.approx(0.5)


def test_cost_is_read_between_points() -> None:
    assert cost_at(np.array([0.2, 0.6]), np.array([0.9, 1.0]), 0.95) == pytest.approx(0.4)
    assert cost_at(np.array([0.2, 0.6]), np.array([0.9, 0.94]), 0.95) is None


def test_any_file_of_two_models_runs(tmp_path: Path) -> None:
    rows = ["prompt,weak,strong,weak_response"]
    rows += [
        f'"{o.ask.question}",{o.qualities["cheap"]},{o.qualities["strong"]},"{o.answers["cheap"]}"'
        for o in sums(150)
    ]
    file = tmp_path / "sums.csv"
    file.write_text("\n".join(rows))
    found = last_line("--outcomes", str(file), "--cascade")
    assert {"apgr", "cpt50", "cpt80", "ci95"} <= found.keys()
    assert float(str(found["apgr"])) > 0.7  # 0.8 is perfect where 40 % can be mended


def test_any_file_of_models_runs(tmp_path: Path) -> None:
    rows = ["question,small,large,worse"]
    rows += [
        f'"{o.ask.question}",{o.qualities["cheap"]},{o.qualities["strong"]},0'
        for o in outcomes(200)
    ]
    file, prices = tmp_path / "tiers.csv", tmp_path / "prices.json"
    file.write_text("\n".join(rows))
    prices.write_text(
        json.dumps(
            {
                name: {"input_price": price, "output_price": price}
                for name, price in (("small", 0.1), ("large", 1.0), ("worse", 0.5))
            }
        )
    )
    found = last_line("--tiers", str(file), "--prices", str(prices))
    assert found["ladder"] == ["small", "large"]
    assert float(str(found["cost_at_95"])) < 0.9
