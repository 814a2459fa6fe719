"""A language model on this machine, by llama.cpp."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.local.answer import read_answer
from ragthrift.local.conversation import ChatPrompt, Prompt, TextPrompt, count_text
from ragthrift.local.gguf import GGUFHeader, read_gguf
from ragthrift.local.prompts import PromptFormat
from ragthrift.local.server import LlamaServer, ServerOptions
from ragthrift.machine import available_cpus
from ragthrift.types import Completion, Message


class LlamaCppLLM:
    """An LLM and an exact TokenCounter from one GGUF file, on the CPU.

    A chat model is asked through the template in its file. A base model has none and needs a
    `prompt_format`, which a chat model may be given too. Needs the `local` extra.

    Answers are greedy by default: the same prompt has the same answer, up to float rounding that
    may differ when a part of the prompt is still in the cache.
    """

    exact = True

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        n_ctx: int = 4096,
        threads: int | None = None,
        prompt_format: PromptFormat | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        cache_mib: int = 512,
    ) -> None:
        """Load the model.

        `n_ctx` is the window for prompt and answer in tokens; `threads` defaults to the CPUs that
        the process may use; `cache_mib` bounds the memory for prompt prefixes of earlier calls.

        Raises ModelNotFoundError, ModelError for a file that is not a usable GGUF model,
        InputError for settings that cannot work, MissingExtraError without xllamacpp.
        """
        path = Path(model_path)
        header = read_gguf(path)
        _check_settings(header, n_ctx, threads, temperature)
        self.model = path.stem
        self.n_ctx = n_ctx
        self._prompt_format = prompt_format
        self._can_chat = header.chat_template is not None
        self._sampling = {"temperature": temperature, "seed": seed}
        options = ServerOptions(
            n_ctx=n_ctx, threads=threads or available_cpus(), cache_mib=cache_mib
        )
        self._server = LlamaServer(path, options)

    def count(self, text: str) -> int:
        """Tokens of the text by the model's own tokenizer, as a prompt would be read.

        The name of a special token inside the text counts as that one token.
        """
        return count_text(self._server, text, framed=False) if text else 0

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer with its usage; without `max_tokens` it may fill the window.

        Raises ContextOverflowError before anything runs when prompt and answer do not fit.
        """
        pieces = self.stream(messages, max_tokens=max_tokens, stop=stop)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                answer: Completion = end.value
                return answer

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Generator[str, None, Completion]:
        """Pieces of text as they come; the generator's return value is the whole Completion.

        `answer = yield from llm.stream(...)` gets both. Checks run at the call, the model at the
        first piece; closing the generator stops the model.
        """
        _check_request(messages, max_tokens, stop)
        prompt = self._prompt(messages)
        needed = prompt.count(self._server)
        if needed + (max_tokens or 1) > self.n_ctx:
            raise ContextOverflowError(needed + (max_tokens or 1), self.n_ctx)
        request = {
            **prompt.body,
            **self._sampling,
            "max_tokens": max_tokens or self.n_ctx - needed,
            "stop": list(stop),
            "stream_options": {"include_usage": True},
        }
        return read_answer(self._server.stream(prompt.route, request), self.model)

    def close(self) -> None:
        """Take no more calls; the memory is freed when the last running one has ended."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prompt(self, messages: Sequence[Message]) -> Prompt:
        if self._prompt_format is not None:
            text = self._prompt_format(messages)
            if not text:
                raise InputError("the prompt_format wrote an empty prompt for these messages")
            return TextPrompt(text)
        if self._can_chat:
            return ChatPrompt(messages)
        raise InputError(
            f"{self.model} is a base model: its file holds no chat template; pass a "
            "prompt_format, such as ragthrift.local.plain_text for a few-shot prompt"
        )


def _check_settings(
    header: GGUFHeader, n_ctx: int, threads: int | None, temperature: float
) -> None:
    if n_ctx < 1 or n_ctx > (header.trained_ctx or n_ctx):
        longest = header.trained_ctx or "any"
        raise InputError(f"n_ctx={n_ctx} must be from 1 to {longest}, the model's own longest")
    if threads is not None and threads < 1:
        raise InputError(f"threads={threads} must be at least 1, or None for all CPUs")
    if temperature < 0:
        raise InputError(f"temperature={temperature} must be 0 (greedy) or above")


def _check_request(
    messages: Sequence[Message], max_tokens: int | None, stop: Sequence[str]
) -> None:
    if not messages:
        raise InputError("there is no message to answer")
    if max_tokens is not None and max_tokens < 1:
        raise InputError(f"max_tokens={max_tokens} must be at least 1, or None")
    if isinstance(stop, str) or not all(stop):
        raise InputError(f"stop={stop!r} must be a sequence of texts that are not empty")
