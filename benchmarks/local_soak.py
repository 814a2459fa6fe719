"""Mixed calls from many threads: `python -m benchmarks.local_soak --calls 1000`.

Right calls, alone and in sessions, calls bound to a grammar, calls that are cancelled while the
model reads or writes, prompts that are too long or hold NUL, schemas and grammars that are none:
each must end as it should while the others go on. `wrong` counts answers that are a neighbour's
and errors that are not the expected ones, `hung` calls that had no end, `crashed` whether the
process ended; `rss_*` are MiB: loaded, after each quarter, at the end.
"""

import json
import os
import random
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.shared import existing, finish, parser, say
from ragthrift import ContextOverflowError, InputError, Message, ModelError
from ragthrift.local import LocalModel, load_model, plain_text, smollm2_135m

_THREADS = 16
_TOPICS = ("tea", "rain", "snow", "bread", "ships", "trees", "stars", "books")
_CALL_SECONDS = 120.0
"""A call that takes longer hangs: sixteen of them share four slots for a few seconds."""
_CACHE_MIB = 32
"""Full before the first quarter ends, so that growth after it is none of the cache's."""


class WrongEndError(Exception):
    """A call that did not end as it should."""


def asked(topic: str, times: int = 4) -> list[Message]:
    """A prompt that any model goes on with in one way."""
    return [Message("user", f"The word is {topic}.\n" * times + "The word is")]


def answered(llm: LocalModel, topic: str, **settings: Any) -> None:
    """The answer is to this question, and to no neighbour's."""
    text = llm.complete(asked(topic), max_tokens=4, **settings).text
    if not text.startswith(f" {topic}"):
        raise WrongEndError(f"{text!r} to {topic!r}")


def in_a_session(llm: LocalModel, topic: str) -> None:
    """The same, with a slot of its own."""
    answered(llm, topic, session=topic)


def in_a_grammar(llm: LocalModel, topic: str) -> None:
    """The same, bound."""
    answered(llm, topic, grammar=f'root ::= " {topic}"')


def cancelled(llm: LocalModel, topic: str) -> None:
    """Stopped while it writes."""
    pieces = llm.stream(asked(topic), max_tokens=50)
    first = next(pieces)
    pieces.close()
    if not f" {topic}".startswith(first):
        raise WrongEndError(f"{first!r} to {topic!r}")


def cancelled_early(llm: LocalModel, topic: str) -> None:
    """Stopped by another thread, while it waits or reads."""
    pieces = llm.stream(asked(topic, 40), max_tokens=2)
    closing = threading.Timer(random.uniform(0.0, 0.3), pieces.close)
    closing.start()
    try:
        text = "".join(pieces)
    except ModelError:
        return
    finally:
        closing.join()
    if text and not f" {topic}.".startswith(text):
        raise WrongEndError(f"{text!r} to {topic!r}")


def overlong(llm: LocalModel, topic: str) -> None:
    """Refused with the sizes."""
    expect(ContextOverflowError, lambda: llm.complete(asked(topic, 400), max_tokens=5))


def with_a_nul(llm: LocalModel, topic: str) -> None:
    """Read as another character."""
    llm.complete([Message("user", f"{topic}\0 is")], max_tokens=3)


def malformed_schema(llm: LocalModel, topic: str) -> None:
    """Refused before it reaches the model."""
    wrong = {"type": topic}
    expect(InputError, lambda: llm.complete(asked(topic), max_tokens=5, schema=wrong))


def malformed_grammar(llm: LocalModel, topic: str) -> None:
    """Refused by the model."""
    wrong = f"root ::= {topic} ::"
    expect(InputError, lambda: llm.complete(asked(topic), max_tokens=5, grammar=wrong))


def expect(kind: type[Exception], call: Callable[[], object]) -> None:
    """The call must end in this error."""
    try:
        call()
    except kind:
        return
    raise WrongEndError(f"no {kind.__name__}")


KINDS: tuple[Callable[[LocalModel, str], None], ...] = (
    answered, answered, in_a_session, in_a_grammar, cancelled, cancelled_early, overlong,
    with_a_nul, malformed_schema, malformed_grammar,
)  # fmt: skip


def rss_mib() -> int:
    """Memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20


@dataclass
class Soak:
    """One run."""

    llm: LocalModel
    calls: int
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """All calls; what hangs is left behind."""
        places, lock = count(), threading.Lock()
        self.memory.append(rss_mib())
        threads = [
            threading.Thread(target=self._work, args=(places, lock), daemon=True)
            for _ in range(_THREADS)
        ]
        for thread in threads:
            thread.start()
        self._wait(threads)
        # Each thread has one call at a time, and takes its next place only when that has ended.
        hung = sum(thread.is_alive() for thread in threads)
        return {
            "calls": sum(self.done.values()),
            "wrong": len(self.faults),
            "hung": hung,
            "crashed": False,
            "kinds": dict(sorted(self.done.items())),
            "faults": self.faults[:10],
            "rss_before": self.memory[0],
            "rss_quarters": self.memory[1:],
            "rss_after": rss_mib(),
        }

    def _work(self, places: Any, lock: threading.Lock) -> None:
        while (place := next(places)) < self.calls:
            chance = random.Random(f"{self.seed} {place}")
            kind, fault = chance.choice(KINDS), None
            try:
                kind(self.llm, chance.choice(_TOPICS))
            except Exception as error:  # noqa: BLE001 -- whatever it is, it was not expected
                fault = f"{kind.__name__}: {error!r}"
            with lock:
                self.done[kind.__name__] += 1
                self.faults += [fault] if fault else []
                if sum(self.done.values()) % max(1, self.calls // 4) == 0:
                    self.memory.append(rss_mib())

    def _wait(self, threads: Sequence[threading.Thread]) -> None:
        ended, since = 0, time.monotonic()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.1)
            now = sum(self.done.values())
            if now > ended:
                ended, since = now, time.monotonic()
            if time.monotonic() - since > _CALL_SECONDS:
                return


def soak(path: Path, calls: int, seed: int) -> dict[str, Any]:
    """The run, in this process."""
    llm = load_model(path, n_ctx=512, cache_mib=_CACHE_MIB, prompt_format=plain_text)
    started, worked = time.perf_counter(), time.process_time()
    result = Soak(llm, calls, seed).run()
    result["seconds"] = round(time.perf_counter() - started)
    result["cpu_seconds"] = round(time.process_time() - worked)
    if not result["hung"]:
        llm.close()
    return result


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--model", type=existing, help="a model, GGUF; SmolLM2 by default")
    arguments.add_argument("--calls", type=int, default=1000)
    arguments.add_argument("--here", action="store_true", help="in this process, which may end")
    chosen = arguments.parse_args()
    path: Path = chosen.model or smollm2_135m()
    if chosen.here:
        result = soak(path, chosen.calls, chosen.seed)
        print(json.dumps(result), flush=True)
        if result["hung"]:
            os._exit(0)  # a call that hangs would be waited for
        return
    given = ["--model", str(path), "--calls", str(chosen.calls), "--seed", str(chosen.seed)]
    command = [sys.executable, "-m", "benchmarks.local_soak", "--here", *given]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = ended.stdout.splitlines()
    said = json.loads(lines[-1]) if lines else {}
    if ended.returncode:
        said |= {"crashed": True, "exit_code": ended.returncode}
    say(chosen.json, f"{said.get('calls', 0)} calls ended")
    finish({"model": path.stem, "threads": _THREADS, **said})


if __name__ == "__main__":
    main()
