"""What each chat model is asked: `python -m benchmarks.local_peer_tasks SYSTEM`.

A line of JSON for each finding, so that a process that ends keeps what it found. Needs no package
of ours.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from benchmarks.local_peer_systems import ASKED, SYSTEMS, WINDOW, System, Turn

ANSWER = 48


def told(finding: str, found: object) -> None:
    """One line."""
    print(json.dumps({finding: found}), flush=True)


def first_piece(system: System, turns: list[Turn]) -> tuple[float, float]:
    """Seconds and CPU-seconds until the first piece of an answer."""
    started, worked = time.perf_counter(), time.process_time()
    pieces = system.pieces(turns, max_tokens=4)
    next(pieces)
    found = time.perf_counter() - started, time.process_time() - worked
    for _ in pieces:
        pass
    return found


def first_tokens(system: System, contexts: list[str]) -> None:
    """Cold, with another question on the same text, and two texts in turn."""

    def asked(text: str, question: str) -> list[Turn]:
        return [("system", f"Answer from this handbook.\n\n{text}"), ("user", question)]

    found: dict[str, list[tuple[float, float]]] = {"cold": [], "warm": [], "alternating": []}
    for text in contexts:
        found["cold"].append(first_piece(system, asked(text, "Whom may I ask?")))
        found["warm"].append(first_piece(system, asked(text, "What must I do when I fall ill?")))
    for n in range(4):
        turn = asked(contexts[n % 2], f"What does rule {n} say?")
        found["alternating"].append(first_piece(system, turn))
    for name, seconds in found.items():
        told(f"ttft_{name}_seconds", round(median(wall for wall, _ in seconds), 3))
        told(f"ttft_{name}_cpu_seconds", round(median(cpu for _, cpu in seconds), 3))


def speed(system: System, prompts: list[list[Turn]]) -> None:
    """Tokens of answers per CPU-second, prompts of a few tokens."""
    written, worked = 0, time.process_time()
    for prompt in prompts:
        # Pieces, where a system counts nothing: each is a token but at the ends of characters.
        written += sum(1 for _ in system.pieces(prompt, max_tokens=ANSWER))
    told("tokens_per_cpu_second", round(written / (time.process_time() - worked), 1))


def call_settings(system: System) -> bool:
    """`max_tokens` and `temperature` of one call alone."""
    short = sum(1 for _ in system.pieces(ASKED, max_tokens=5)) <= 6
    plain = system.answer(ASKED, max_tokens=30)
    hot = {system.answer(ASKED, max_tokens=30, temperature=1.8) for _ in range(2)}
    return short and hot != {plain} and system.answer(ASKED, max_tokens=30) == plain


def stop_in_a_stream(system: System) -> bool:
    """A text that ends a stream, and is not in it."""
    plain = system.answer(ASKED, max_tokens=30)
    stop = plain.split()[4]
    text = "".join(system.pieces(ASKED, max_tokens=30, stop=[stop]))
    return text.strip() == plain.split(stop)[0].strip()


def usage(system: System) -> bool:
    """Tokens read and written, where the framework looks for them."""
    read, written = system.tokens(ASKED, max_tokens=10)
    return read > 5 and written > 5


def free_loop(system: System) -> bool:
    """Another task goes on while an answer is awaited."""

    async def both() -> int:
        ticks, answer = 0, asyncio.ensure_future(system.later(ASKED, max_tokens=40))
        while not answer.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await answer
        return ticks

    return asyncio.run(both()) > 10


def tool_call(system: System) -> bool:
    """A call that is asked for comes."""
    return system.called([("user", "What is the weather in Paris?")]) == ["get_weather"]


def json_schema(system: System) -> bool:
    """An answer of the right form."""
    found = system.typed([("user", "Name the capital of France and how many people live there.")])
    return found.get("city") in ("Paris", "Rome") and isinstance(found.get("people"), int)


def overlong_prompt(system: System) -> bool:
    """An error, and not an answer to a part of it."""
    try:
        system.answer([("user", " tea" * (WINDOW + 500))], max_tokens=5)
    except Exception:  # noqa: BLE001 -- each library has its own
        return bool(system.answer(ASKED, max_tokens=5))
    return False


def own_template(system: System, tokens: int) -> bool:
    """The prompt is as long as the template in the file makes it."""
    return abs(system.prompt_tokens(ASKED) - tokens) <= 1  # one that begins a text may be added


def four_threads(system: System, prompts: list[list[Turn]]) -> bool:
    """Four calls at once have the answers of four in a row."""
    in_a_row = [system.answer(prompt, max_tokens=24) for prompt in prompts[:4]]
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(system.answer, prompt, max_tokens=24) for prompt in prompts[:4]]
        return [call.result() for call in calls] == in_a_row


def features(system: System, tokens: int) -> None:
    """Each tried; an error is no."""
    tried: dict[str, Callable[[], bool]] = {
        "call_settings": lambda: call_settings(system),
        "stop_in_a_stream": lambda: stop_in_a_stream(system),
        "usage": lambda: usage(system),
        "free_loop": lambda: free_loop(system),
        "tool_call": lambda: tool_call(system),
        "json_schema": lambda: json_schema(system),
        "overlong_prompt_is_an_error": lambda: overlong_prompt(system),
        "own_template": lambda: own_template(system, tokens),
    }
    for name, works in tried.items():
        told(name, _tried(works))


def _tried(works: Callable[[], bool]) -> object:
    try:
        return works()
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is no
        return f"no: {type(error).__name__}: {error}"[:160]


def main() -> None:
    """All of it, the one that may end the process last."""
    given: dict[str, Any] = json.load(sys.stdin)
    system = SYSTEMS[sys.argv[1]](given["model"])
    prompts = [[(role, text) for role, text in prompt] for prompt in given["prompts"]]
    first_tokens(system, given["contexts"])
    speed(system, prompts)
    features(system, given["template_tokens"])
    told("four_threads", _tried(lambda: four_threads(system, prompts)))


if __name__ == "__main__":
    main()
