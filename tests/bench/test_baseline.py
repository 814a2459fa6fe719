"""The gate: no change makes the demo set's prompts dearer or takes evidence out of them."""

from pathlib import Path

from typer.testing import CliRunner

from ragthrift.cli import application
from ragthrift_bench.results import Results

BASELINE = Path(__file__).parents[2] / "benchmarks/baseline.json"


def test_prompts_hold_what_they_held_and_cost_no_more(tmp_path: Path) -> None:
    then = Results.read(BASELINE)
    asked = ["bench", "run", "--llm", "none", "--machine-price", "0", "--price-date"]
    program = CliRunner()
    run = program.invoke(
        application(),
        [*asked, then.price_date, "--cache", str(tmp_path), "--out", str(tmp_path)],
    )
    assert run.exit_code == 0, run.output
    now = str(tmp_path / "results.json")
    limits = ["--fail-if-inferior", "0.02", "--fail-if-dearer", "0.01"]
    gate = program.invoke(application(), ["bench", "compare", str(BASELINE), now, *limits])
    assert gate.exit_code == 0, gate.output
    assert len(Results.read(tmp_path / "results.json").outcomes) == len(then.outcomes)
