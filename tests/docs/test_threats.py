"""Each line of the threat model has a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    found = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in found if name else any(one.startswith("test_") for one in found)


def test_each_line_names_one() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| [A-Z]|\| kill", line)]
    assert len(rows) > 20
    assert not [row for row in rows if "`tests/" not in row]


def test_nothing_unpickles_and_no_model_brings_code() -> None:
    sources = [*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("integrations/*/src/**/*.py")]
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", "")}
                assert not names & {"pickle", "dill", "cloudpickle", "marshal", "shelve"}, source
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                assert isinstance(node.value, ast.Constant), source
                assert node.value.value is False, source
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), source
                assert node.value.value is False, source
