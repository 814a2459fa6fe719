import subprocess
import sys

import langchain_ragthrift
from ragthrift import MissingExtraError

WITHOUT_LANGCHAIN = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"langchain", "langgraph"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import langchain_ragthrift
langchain_ragthrift.ChatLocal, langchain_ragthrift.RagthriftCompressor
try:
    langchain_ragthrift.TrimToolMessages
except ImportError as error:
    print(type(error).__name__, error, error.name)
"""


def test_all_is_sorted_and_complete() -> None:
    assert langchain_ragthrift.__all__ == sorted(langchain_ragthrift.__all__)
    for name in langchain_ragthrift.__all__:
        try:
            assert hasattr(langchain_ragthrift, name)
        except MissingExtraError:
            assert name == "RouterDecisions", "what needs langchain-core 1.8"
    assert not hasattr(langchain_ragthrift, "TrimEverything")


def test_only_the_middleware_needs_langchain() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_LANGCHAIN], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("MissingExtraError")
    assert 'pip install "langchain-ragthrift[agents]"' in run.stdout
    assert run.stdout.rstrip().endswith("langchain")
