"""Rules of taste that hold for every module: sizes, names, docstrings, and what is public."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "ragthrift": ROOT / "packages" / "ragthrift" / "src",
    "ragthrift_bench": ROOT / "packages" / "ragthrift-bench" / "src",
    "ragthrift_models": ROOT / "packages" / "ragthrift-models" / "src",
    "langchain_ragthrift": ROOT / "integrations" / "langchain" / "src",
    "llama_index_ragthrift": ROOT / "integrations" / "llama-index" / "src",
}
FILES = {
    file: file.relative_to(source)
    for package, source in SOURCES.items()
    for file in sorted((source / package).rglob("*.py"))
}
"""Every module, and its path from where imports begin."""
ALL_FILES = sorted(
    file
    for folder in ("packages", "integrations", "benchmarks", "examples")
    for file in (ROOT / folder).rglob("*.py")
)

MAX_FUNCTION_LINES = 40
MAX_FILE_LINES = 300
HOLLOW = {"manager", "engine", "handler", "helper", "utils", "base", "info", "data", "obj"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def label(file: Path) -> str:
    return str(file.relative_to(ROOT))


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def definitions(tree: ast.AST) -> Iterator[Definition]:
    return (node for node in ast.walk(tree) if isinstance(node, Definition))


def words_of(name: str) -> list[str]:
    """The words of a snake_case or CamelCase name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def over_long_functions(tree: ast.AST) -> list[str]:
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in definitions(tree)
        if isinstance(node, Function)
    }
    return [f"{name}: {n} lines" for name, n in lengths.items() if n > MAX_FUNCTION_LINES]


def is_hollow(name: str) -> bool:
    """A query engine is what LlamaIndex calls one."""
    return bool(HOLLOW & set(" ".join(words_of(name)).replace("query engine", "").split()))


def hollow_names(tree: ast.AST) -> list[str]:
    return [node.name for node in definitions(tree) if is_hollow(node.name)]


def undocumented(body: list[ast.stmt]) -> Iterator[str]:
    """Public classes and functions, and public methods of public classes, without a docstring."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_") or _exempt(node):
            continue
        if ast.get_docstring(node) is None:
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in undocumented(node.body))


def _exempt(node: Definition) -> bool:
    """Overloads, setters and overrides are documented where they are first defined."""
    marks = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(marks & {"overload", "override", "setter", "deleter"})


def public_names(tree: ast.Module) -> set[str]:
    """What a package binds for others: what it defines, and what it imports but does not use."""
    names: set[str] = set()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, Definition):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom) and _is_ours(node):
            names |= {alias.asname or alias.name for alias in node.names} - used
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def _is_ours(node: ast.ImportFrom) -> bool:
    return node.level > 0 or (node.module or "").partition(".")[0] in SOURCES


def in_order(names: list[str]) -> list[str]:
    """Constants, then classes, then functions, each by the alphabet: the order that ruff keeps."""

    def place(name: str) -> tuple[bool, bool, str]:
        constant = name.isupper() and len(name) > 1
        return not constant, not name[0].isupper(), name

    return sorted(names, key=place)


@pytest.mark.parametrize("file", FILES, ids=label)
def test_no_function_is_too_long(file: Path) -> None:
    assert over_long_functions(parse(file)) == []


@pytest.mark.parametrize("file", ALL_FILES, ids=label)
def test_no_file_is_too_long(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("file", FILES, ids=label)
def test_no_name_hides_its_meaning(file: Path) -> None:
    in_path = [part for part in FILES[file].with_suffix("").parts if is_hollow(part)]
    assert in_path + hollow_names(parse(file)) == []


@pytest.mark.parametrize("file", FILES, ids=label)
def test_what_is_public_is_documented(file: Path) -> None:
    assert list(undocumented(parse(file).body)) == []


@pytest.mark.parametrize("file", FILES, ids=label)
def test_every_module_says_what_it_is(file: Path) -> None:
    assert ast.get_docstring(parse(file))


@pytest.mark.parametrize("file", [f for f in FILES if f.name == "__init__.py"], ids=label)
def test_packages_say_what_is_public(file: Path) -> None:
    offered = public_names(parse(file))
    module = importlib.import_module(module_name(FILES[file]))
    listed = list(getattr(module, "__all__", []))
    assert listed == in_order(listed), "__all__ is not sorted"
    assert len(listed) == len(set(listed)), "__all__ names something twice"
    assert offered <= set(listed), "__all__ is not complete"
    assert all(hasattr(module, name) for name in listed), "__all__ names what is not there"


def test_nothing_is_printed_at_import() -> None:
    modules = [module_name(path) for path in FILES.values() if path.name != "__main__.py"]
    code = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_the_rules_see_what_they_should() -> None:
    long = "def long():\n" + "    pass\n" * MAX_FUNCTION_LINES
    assert over_long_functions(ast.parse(long)) == [f"long: {MAX_FUNCTION_LINES + 1} lines"]
    assert over_long_functions(ast.parse(long[: -len("    pass\n")])) == []
    named = "class BaseThing:\n  def load_data(self): ...\n  def metadata(self): ...\n"
    assert hollow_names(ast.parse(named + "class Database: ...")) == ["BaseThing", "load_data"]
    assert words_of("HTTPHandlerV2_info") == ["http", "handler", "v", "info"]
    documented = 'class A:\n  "A."\n  def b(self): ...\n  def _c(self): ...\ndef d(): ...\n'
    assert list(undocumented(ast.parse(documented).body)) == ["A.b", "d"]
    bound = "from ragthrift.x import a, b as c\nfrom x import y\n_d = 1\nE: int = 2\ndef f(): ..."
    bound += "\nfrom ragthrift.x import g\ndef h() -> g: ..."
    assert public_names(ast.parse(bound)) == {"a", "c", "E", "f", "h"}
    assert in_order(["b", "A", "C", "LIMIT", "a"]) == ["LIMIT", "A", "C", "a", "b"]


def test_all_sources_are_found() -> None:
    packages = {path.parts[0] for path in FILES.values()}
    assert packages == set(SOURCES)
    assert set(FILES) <= set(ALL_FILES)
