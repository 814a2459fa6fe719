"""The local model beside other chat models over the same file, each in a process of its own.

ChatOllama is not among them: it talks to Ollama's server alone, which no package index has.
ChatOpenAI over llama.cpp's own server stands for chat models that talk HTTP.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.local_peer_systems import ASKED, SYSTEMS, WINDOW
from benchmarks.local_tasks import SHORT, contexts
from benchmarks.shared import say
from ragthrift import Message
from ragthrift.local import load_model
from ragthrift.local.sampling import Request

_CONTEXT, _CONTEXTS = 450, 3
_SECONDS = 400.0
"""A process that has said nothing more after it hangs."""


def peers(path: Path, python: Sequence[str], quiet: bool) -> dict[str, Any]:
    """What each was found to do; `python` is tried in turn where a package is missing."""
    given = json.dumps(_given(path))
    found: dict[str, Any] = {}
    for name in SYSTEMS:
        for one in (sys.executable, *python):
            found[name] = _asked(one, name, given)
            if "skipped" not in found[name]:
                break
        say(quiet, f"{name}: {json.dumps(found[name])}")
    return found


def _given(path: Path) -> dict[str, Any]:
    with load_model(path, n_ctx=WINDOW, slots=1, self_test=False) as llm:
        turns = tuple(Message(role, text) for role, text in ASKED)  # type: ignore[arg-type]
        return {
            "model": str(path),
            "contexts": contexts(_CONTEXTS, _CONTEXT, llm),
            "prompts": [[("user", text)] for text in SHORT],
            "template_tokens": llm.runtime.count_prompt(Request(messages=turns)),
        }


def _asked(python: str, system: str, given: str) -> dict[str, Any]:
    running = subprocess.Popen(
        [python, "-m", "benchmarks.local_peer_tasks", system],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Without it each thread that fails starts a debugger, and the process never ends.
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        start_new_session=True,
    )
    try:
        said, complained = running.communicate(given, timeout=_SECONDS)
        ended = None
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        said, complained = running.communicate()
        ended = "hung"
    found: dict[str, Any] = {}
    for line in said.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    if not found and "ModuleNotFoundError" in complained:
        return {"skipped": complained.strip().splitlines()[-1]}
    if "four_threads" not in found:
        found["ended_by"] = ended or f"exit {running.returncode}"
        said_last = [line for line in f"{said}\n{complained}".splitlines() if "ASSERT" in line]
        found["last_words"] = said_last[:1]
    return found
