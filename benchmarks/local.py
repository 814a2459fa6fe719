"""How fast a local model answers: `python -m benchmarks.local`.

Figures are ratios of one run, since the machine is shared: of seconds to the first token
(`ttft_*`, medians) and of tokens per second of CPU time (all others). `parallel8_over_1` is eight
calls at once over one at a time, `equal` whether they gave the same texts. `raw_*` is the model
through `LocalModel` over the engine asked directly. `speculation_*` is with guesses over without.

`--peers` asks other chat models over the same file instead, and tries what each can do. Those that
are not installed here are run by `--peers-python`, an environment of their own.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.local_peers import peers
from benchmarks.local_tasks import asked, contexts, copying, free, short
from benchmarks.shared import existing, finish, parser, say
from ragthrift import Completion, Message
from ragthrift.local.llama_cpp import LlamaCppRuntime
from ragthrift.local.model import LocalModel
from ragthrift.local.models import smollm2_135m

_WINDOW, _CONTEXT, _SLOTS = 2048, 700, 8
_ANSWER = 48
_ROUNDS = 3
_ABOUT = "What is this about?"


def cpu_seconds(work: Callable[[], int]) -> float:
    """Tokens for each second of CPU time; `work` says how many there were."""
    started = time.process_time()
    return work() / (time.process_time() - started)


def first_token(model: LocalModel, messages: Sequence[Message]) -> float:
    """Seconds until the first piece of an answer."""
    started = time.perf_counter()
    pieces = model.stream(messages, max_tokens=2)
    next(pieces)
    seconds = time.perf_counter() - started
    pieces.close()
    return seconds


def prefixes(model: LocalModel) -> dict[str, float]:
    """The same passages with another question, and two lots of passages in turn."""
    texts = contexts(2 * _ROUNDS, _CONTEXT, model)
    cold, warm, turns = [], [], []
    for text in texts[:_ROUNDS]:
        cold.append(first_token(model, asked(text, "Who may I ask about leave?")))
        warm.append(first_token(model, asked(text, "What must I do when I fall ill?")))
    pair = texts[_ROUNDS : _ROUNDS + 2]
    cold += [first_token(model, asked(text, "How much leave is there?")) for text in pair]
    for n in range(2 * _ROUNDS):
        turns.append(first_token(model, asked(pair[n % 2], f"What does rule {n} say?")))
    return {
        "ttft_cold_seconds": round(median(cold), 3),
        "ttft_cold_over_warm": round(median(cold) / median(warm), 1),
        "ttft_cold_over_alternating": round(median(cold) / median(turns), 1),
    }


def answered(model: LocalModel, prompts: Sequence[Sequence[Message]]) -> list[Completion]:
    """One after the other."""
    return [model.complete(prompt, max_tokens=_ANSWER) for prompt in prompts]


def written(answers: Sequence[Completion]) -> int:
    """Tokens of answers."""
    return sum(answer.usage.output_tokens for answer in answers)


def parallel(model: LocalModel) -> dict[str, Any]:
    """Eight calls at once beside one at a time, prompts in the cache both times."""
    ratios, equal = [], True
    answered(model, short())
    alone = answered(model, short())
    for _ in range(_ROUNDS):
        single = cpu_seconds(lambda: written(answered(model, short())))
        together: list[Completion] = []

        def at_once(found: list[Completion] = together) -> int:
            with ThreadPoolExecutor(_SLOTS) as threads:
                calls = [threads.submit(answered, model, [prompt]) for prompt in short()]
                found.extend(call.result()[0] for call in calls)
            return written(found)

        ratios.append(cpu_seconds(at_once) / single)
        equal &= [one.text for one in together] == [one.text for one in alone]
    return {"parallel8_over_1": round(median(ratios), 2), "parallel8_equal": equal}


def raw(runtime: LlamaCppRuntime, model: LocalModel) -> dict[str, float]:
    """What the layers above the engine take; each pair on a prompt of its own, twice cold."""
    engine = runtime._server._running()
    prefill, decode = [], []
    for n, text in enumerate(contexts(2 * _ROUNDS, 300, model)):
        first, second = (asked(f"{lot} {n}.\n{text}", _ABOUT) for lot in ("Lot", "Bag"))
        direct = cpu_seconds(partial(_direct, engine, first, 1, "prompt_tokens"))
        ours = cpu_seconds(partial(_prefilled, model, second))
        prefill.append(ours / direct)
    for prompt in short()[: 2 * _ROUNDS]:
        model.complete(prompt, max_tokens=1)
        direct = cpu_seconds(partial(_direct, engine, prompt, _ANSWER, "completion_tokens"))
        ours = cpu_seconds(partial(_decoded, model, prompt))
        decode.append(ours / direct)
    return {"raw_prefill": round(median(prefill), 3), "raw_decode": round(median(decode), 3)}


def _direct(engine: Any, messages: Sequence[Message], max_tokens: int, counted: str) -> int:
    told = [{"role": message.role, "content": message.content} for message in messages]
    body = {"messages": told, "temperature": 0, "max_tokens": max_tokens}
    return int(engine.handle_chat_completions(body)["usage"][counted])


def _prefilled(model: LocalModel, messages: Sequence[Message]) -> int:
    return model.complete(messages, max_tokens=1).usage.input_tokens


def _decoded(model: LocalModel, messages: Sequence[Message]) -> int:
    return written(answered(model, [messages]))


def speculation(path: Path, plain: LocalModel) -> dict[str, Any]:
    """`auto` beside none, each prompt read before; the order of the two changes."""
    found: dict[str, Any] = {}
    with LocalModel(LlamaCppRuntime(path, n_ctx=_WINDOW, slots=1, speculation="auto")) as guessing:
        for name, prompts in (("copying", copying(6)), ("other", free())):
            ratios, same = [], 0
            for n, prompt in enumerate(prompts):
                speeds: dict[bool, float] = {}
                said: dict[bool, str] = {}
                for guesses in (bool(n % 2), not n % 2):
                    model = guessing if guesses else plain
                    model.complete(prompt, max_tokens=1)
                    speeds[guesses], said[guesses] = timed(model, prompt)
                ratios.append(speeds[True] / speeds[False])
                same += said[True] == said[False]
            found[f"speculation_{name}"] = round(median(ratios), 2)
            found[f"speculation_{name}_same_text"] = f"{same} of {len(prompts)}"
    return found


def timed(model: LocalModel, prompt: Sequence[Message]) -> tuple[float, str]:
    """Tokens per second of CPU time, and the answer."""
    answers: list[Completion] = []

    def work() -> int:
        answers.append(model.complete(prompt, max_tokens=2 * _ANSWER))
        return written(answers)

    return cpu_seconds(work), answers[0].text


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--model", type=existing, help="a chat model, GGUF; SmolLM2 by default")
    arguments.add_argument("--peers", action="store_true", help="beside other chat models")
    arguments.add_argument("--peers-python", nargs="*", default=[], help="where those are")
    chosen = arguments.parse_args()
    path: Path = chosen.model or smollm2_135m()
    result: dict[str, Any] = {"model": path.stem}
    if chosen.peers:
        finish({**result, "peers": peers(path, chosen.peers_python, chosen.json)})
        return
    runtime = LlamaCppRuntime(path, n_ctx=_WINDOW, slots=_SLOTS)
    with LocalModel(runtime) as model:
        for part in (prefixes, parallel, lambda m: raw(runtime, m)):
            result |= part(model)
            say(chosen.json, json.dumps(result))
    with LocalModel(LlamaCppRuntime(path, n_ctx=_WINDOW, slots=1)) as plain:
        result |= speculation(path, plain)
    finish(result)


if __name__ == "__main__":
    main()
