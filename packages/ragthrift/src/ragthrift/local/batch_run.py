"""Many prompts through all slots of a model, with progress, and again from where it stopped."""

import json
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Unpack

from ragthrift.errors import RagthriftError
from ragthrift.local.model import LocalModel
from ragthrift.local.sampling import CallSettings
from ragthrift.types import Completion, Message, TokenLogprob, ToolCall
from ragthrift.usage import Usage

OnProgress = Callable[[int, int], None]
"""`(done, all)`, after each prompt."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one prompt: an answer, or why there is none."""

    completion: Completion | None
    error: str = ""


def run_batch(
    model: LocalModel,
    prompts: Sequence[Sequence[Message]],
    *,
    journal: str | os.PathLike[str] | None = None,
    max_tokens: int | None = None,
    stop: Sequence[str] = (),
    on_progress: OnProgress | None = None,
    **settings: Unpack[CallSettings],
) -> list[Outcome]:
    """An outcome for each prompt, in their order; as many at once as the model has slots.

    With a `journal`, a file of JSON lines, answers are kept as they come: after an interruption
    the same call asks for the rest alone. Equal prompts are asked once. A prompt that cannot be
    answered does not end the others; it is asked again by the next call.
    """
    asking = {"max_tokens": max_tokens, "stop": list(stop), **settings}
    keys = [_key(model.model, prompt, asking) for prompt in prompts]
    file = None if journal is None else Path(journal)
    known = _read(file) if file else {}
    waiting = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in known}
    times = Counter(keys)
    done = len(keys) - sum(times[key] for key in waiting)

    def ask(prompt: Sequence[Message]) -> Outcome:
        try:
            return Outcome(model.complete(prompt, max_tokens=max_tokens, stop=stop, **settings))
        except RagthriftError as error:
            return Outcome(None, f"{type(error).__name__}: {error}")

    with closing(_as_they_come(ask, waiting, model.runtime.parallel)) as arriving:
        for key, outcome in arriving:
            known[key] = outcome
            if file and outcome.completion:
                _keep(file, key, outcome.completion)
            done += times[key]
            if on_progress:
                on_progress(done, len(keys))
    return [known[key] for key in keys]


def _as_they_come(
    ask: Callable[[Sequence[Message]], Outcome],
    waiting: Mapping[str, Sequence[Message]],
    parallel: int,
) -> Generator[tuple[str, Outcome], None, None]:
    """Outcomes by key; what has not begun is not asked when this ends early."""
    with ThreadPoolExecutor(parallel) as threads:
        calls = {threads.submit(ask, prompt): key for key, prompt in waiting.items()}
        try:
            for call in as_completed(calls):
                yield calls[call], call.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _key(model: str, prompt: Sequence[Message], asking: dict[str, Any]) -> str:
    told = [model, [asdict(message) for message in prompt], asking]
    return blake2b(json.dumps(told, default=asdict).encode(), digest_size=16).hexdigest()


def _keep(file: Path, key: str, completion: Completion) -> None:
    line = json.dumps({"key": key, "completion": asdict(completion)})
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"{line}\n")


def _read(file: Path) -> dict[str, Outcome]:
    """What a journal holds; a last line that was not written to its end is closed."""
    if not file.is_file():
        return {}
    text = file.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        with file.open("a", encoding="utf-8") as opened:
            opened.write("\n")
    return dict(_outcomes(text.splitlines()))


def _outcomes(lines: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
    for line in lines:
        try:
            told = json.loads(line)
            yield told["key"], Outcome(_completion(told["completion"]))
        except (ValueError, KeyError, TypeError):  # a line that was being written when it stopped
            continue


def _completion(told: dict[str, Any]) -> Completion:
    return Completion(
        told["text"],
        Usage(**told["usage"]),
        told["model"],
        told["finish_reason"],
        tuple(ToolCall(**call) for call in told["tool_calls"]),
        tuple(
            TokenLogprob(
                token["token"], token["logprob"], tuple((t, p) for t, p in token["alternatives"])
            )
            for token in told["logprobs"]
        ),
    )
