"""The pipelines of docs/bench.md, saved and run as the guide says."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs/bench.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
MODULES = [code for kind, code in BLOCKS if kind == "python"]
COMMANDS = [
    command.replace("\\\n", " ")
    for kind, code in BLOCKS
    if kind == "sh"
    for command in re.findall(r"^ragthrift (?:[^\n\\]|\\\n)*", code, re.MULTILINE)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    first, second, engine, _ = MODULES
    (tmp_path / "canteen.py").write_text(first + second)
    (tmp_path / "engine.py").write_text(first + engine)
    rows = [
        {
            "question": f"When does the canteen open in week {week}?",
            "answers": ["At 11:30"],
            "passages": [{"text": "The canteen opens at 11:30."}],
        }
        for week in range(5)
    ]
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def commands(part: str) -> list[str]:
    return [command for command in COMMANDS if part in command]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (commands("canteen:before")[0], ["before", "after"]),
        (commands("canteen:trimmed")[0], ["baseline", "rerank", "only_the_first", "all"]),
        (commands("engine:engine")[0], ["baseline", "rerank"]),
    ],
)
def test_the_commands_of_the_guide_work(command: str, names: list[str], folder: Path) -> None:
    program = [str(Path(sys.executable).with_name("ragthrift")), *shlex.split(command)[1:]]
    done = subprocess.run(
        [*program, "--cache", "kept"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((folder / "report/results.json").read_text())
    assert [outcome["name"] for outcome in results["outcomes"]][: len(names)] == names
    for outcome in results["outcomes"]:
        assert all(row["quality"]["exact_match"] == 1 for row in outcome["rows"])
    assert (folder / "report/report.html").stat().st_size > 10_000


def test_every_command_of_the_guide_has_options_that_exist() -> None:
    shown = subprocess.run(
        [str(Path(sys.executable).with_name("ragthrift")), "bench", "run", "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    for command in commands("bench run"):
        for option in re.findall(r"--[a-z-]+", command):
            assert option in shown, f"{option} in: {command}"
