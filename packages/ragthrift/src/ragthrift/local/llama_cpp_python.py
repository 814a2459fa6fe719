"""A language model on this machine, by `llama-cpp-python`."""

import codecs
import os
import threading
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragthrift.errors import ContextOverflowError, InputError, ModelError
from ragthrift.local.callback import Arrivals, iterate_callback
from ragthrift.local.gguf import read_gguf
from ragthrift.local.llama_cpp_python_parts import (
    chat_template,
    grammar_for,
    load_llama,
    log_probabilities,
    pooling_options,
)
from ragthrift.local.openai_form import as_turns
from ragthrift.local.prompts import PromptFormat
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request
from ragthrift.local.server_options import Pooling
from ragthrift.local.stoppable import StoppableAnswer
from ragthrift.local.token_steps import PromptTokens, Step, read_steps, shaped, written_messages
from ragthrift.local.written_request import check_text, check_texts
from ragthrift.tokens import well_formed
from ragthrift.types import Completion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ABILITIES: frozenset[Ability] = frozenset({"schema", "grammar", "logprobs", "exact_count"})


class LlamaCppPythonRuntime:
    """One GGUF file by `llama-cpp-python`, which you may have compiled for your GPU.

    Its `Llama` aborts the process when two threads call it, so that calls wait for each other. The
    prefix that a prompt shares with the last one is not read again. A base model, whose file has
    no template, needs a `prompt_format`. Tools are written into the prompt as text.
    """

    parallel = 1

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        n_ctx: int = 4096,
        threads: int | None = None,
        n_gpu_layers: int = 0,
        prompt_format: PromptFormat | None = None,
        pooling: Pooling | None = None,
    ) -> None:
        """Load the model.

        `n_ctx` is the window in tokens; `threads` defaults to the CPUs that the process may use;
        `n_gpu_layers` go to the GPU, all with -1. `pooling` loads the model a second time for
        embeddings.

        Raises ModelNotFoundError, ModelError for a file that is not a usable GGUF model,
        InputError for settings that cannot work, MissingExtraError.
        """
        path = Path(model_path)
        longest = read_gguf(path).trained_ctx or n_ctx
        if not 1 <= n_ctx <= longest:
            raise InputError(f"n_ctx={n_ctx} must be from 1 to {longest}, the model's own longest")
        if threads is not None and threads < 1:
            raise InputError(f"threads={threads} must be at least 1, or None for all CPUs")
        self._model, self._window = path.stem, n_ctx
        load = partial(load_llama, path, n_ctx=n_ctx, threads=threads, n_gpu_layers=n_gpu_layers)
        self._llama: Any = load()
        self._embedder: Any = None if pooling is None else load(**pooling_options(pooling, n_ctx))
        self._prompt_format = prompt_format
        self._template: Callable[..., Any] | None = chat_template(self._llama)
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        """See `Runtime`."""
        return self._model

    @property
    def window(self) -> int:
        """See `Runtime`."""
        return self._window

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Runtime`."""
        found: set[Ability] = set(_ABILITIES)
        if self._template is not None or self._prompt_format is not None:
            found |= {"chat", "tools"}
        if self._embedder is not None:
            found.add("embeddings")
        return frozenset(found)

    def count(self, text: str) -> int:
        """See `Runtime`."""
        return len(self._tokens(well_formed(text), framed=False)) if text else 0

    def count_prompt(self, request: Request) -> int:
        """See `Runtime`."""
        return len(self._prompt(request))

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        """See `Runtime`; `close` may be called from another thread."""
        tokens = self._prompt(request)
        most = request.max_tokens or self._window - len(tokens)
        if len(tokens) + most > self._window or most < 1:
            raise ContextOverflowError(len(tokens) + max(most, 1), self._window)
        llama = self._running()
        grammar = grammar_for(llama, request)
        prompt = PromptTokens(len(tokens))
        arrivals: Arrivals[Step] = Arrivals()

        def write(deliver: Callable[[Step], bool]) -> None:
            with self._lock:
                if arrivals.unwanted.is_set():
                    return
                prompt.cached = _shared_prefix(llama, tokens)
                for number, step in enumerate(_steps(llama, tokens, request, grammar), start=1):
                    if deliver(step) or number == most or step.is_end:
                        return

        steps = iterate_callback(write, arrivals)
        answer = read_steps(steps, request, prompt, self._model, most)
        return StoppableAnswer(shaped(answer, request), arrivals.stop)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """See `Runtime`; ContextOverflowError for a text of more than `n_ctx` tokens."""
        import numpy as np

        llama = self._embedder
        if llama is None:
            raise InputError(f"{self._model} was loaded without pooling=, so it does not embed")
        if not texts:
            return self.embed(["-"])[:0]
        for text in texts:
            check_text(text, "a text")
            if (needed := len(self._tokens(text, framed=True))) > self._window:
                raise ContextOverflowError(needed, self._window)
        with self._lock:
            rows = [llama.embed(text or " ", normalize=True, truncate=False) for text in texts]
        return np.asarray(rows, dtype=np.float32)

    def close(self) -> None:
        """See `Runtime`."""
        self._llama = self._embedder = None

    def _running(self) -> Any:
        llama = self._llama
        if llama is None:
            raise ModelError("this model is closed; load it again")
        return llama

    def _tokens(self, text: str, *, framed: bool) -> list[int]:
        found: list[int] = self._running().tokenize(text.encode(), add_bos=framed, special=True)
        return found

    def _prompt(self, request: Request) -> list[int]:
        check_texts(request)
        messages = written_messages(request)
        if self._prompt_format is not None:
            return self._tokens(self._prompt_format(messages), framed=True)
        if self._template is None:
            raise InputError(
                f"{self._model} is a base model: its file holds no chat template; pass a "
                "prompt_format, such as ragthrift.local.plain_text for a few-shot prompt"
            )
        # The template writes the special tokens itself.
        return self._tokens(self._template(messages=as_turns(messages)).prompt, framed=False)


def _steps(
    llama: Any, tokens: Sequence[int], request: Request, grammar: Any
) -> Generator[Step, None, None]:
    """Endless unless the model ends its answer; called by one thread at a time."""
    from llama_cpp import llama_vocab_is_eog

    sampling = request.sampling
    characters = codecs.getincrementaldecoder("utf-8")("replace")
    llama.set_seed(sampling.seed)
    for token in llama.generate(
        tokens,
        temp=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        min_p=sampling.min_p,
        repeat_penalty=sampling.repeat_penalty,
        grammar=grammar,
    ):
        ends = bool(llama_vocab_is_eog(llama._model.vocab, token))
        logprob = None
        if request.logprobs is not None:
            logprob = log_probabilities(llama, token, request.logprobs)
        piece = b"" if ends else llama.detokenize([token])
        yield Step(characters.decode(piece, final=ends), logprob, is_end=ends)


def _shared_prefix(llama: Any, tokens: Sequence[int]) -> int:
    """Tokens that `generate` will not read again; it always reads the last one."""
    shared = 0
    for known, token in zip(llama.input_ids[: llama.n_tokens].tolist(), tokens[:-1], strict=False):
        if known != token:
            break
        shared += 1
    return shared
