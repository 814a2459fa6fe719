"""A language model on this machine, by OpenVINO GenAI."""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragthrift.errors import ContextOverflowError, InputError, ModelError
from ragthrift.local.callback import Arrivals, iterate_callback
from ragthrift.local.gguf import read_gguf
from ragthrift.local.openai_form import as_turns
from ragthrift.local.openvino_pipeline import SharedPipeline
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request
from ragthrift.local.stoppable import StoppableAnswer
from ragthrift.local.token_steps import PromptTokens, Step, read_steps, shaped, written_messages
from ragthrift.local.token_text import TokenText
from ragthrift.local.written_request import check_texts
from ragthrift.tokens import well_formed
from ragthrift.types import Completion, TokenLogprob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ABILITIES: frozenset[Ability] = frozenset({"schema", "logprobs", "exact_count"})


class OpenVinoRuntime:
    """One GGUF file by OpenVINO, which is at its best on Intel's CPUs.

    Calls at the same time share its steps; rounding may differ from that of single calls, so that
    two equally likely words can swap. Prefixes of earlier prompts are not read again; OpenVINO
    does not say how much that was. Tools are written into the prompt as text.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        n_ctx: int | None = None,
        cache_gib: int = 1,
        parallel: int = 8,
        prompt_lookup: bool = False,
    ) -> None:
        """Load the model.

        `n_ctx` is the window in tokens, by default what the model was trained on. `cache_gib` is
        the memory for keys and values of all calls together, taken at once. `prompt_lookup`
        guesses what comes next from the prompt: three times as fast where answers copy from it;
        their texts may differ, and it holds for every call.

        Raises ModelNotFoundError, ModelError for a file that OpenVINO does not know, InputError
        for settings that cannot work, MissingExtraError.
        """
        path = Path(model_path)
        header = read_gguf(path)
        longest = header.trained_ctx
        if n_ctx is not None and not 1 <= n_ctx <= (longest or n_ctx):
            raise InputError(f"n_ctx={n_ctx} must be from 1 to {longest}, the model's own longest")
        if min(cache_gib, parallel) < 1:
            raise InputError("cache_gib and parallel must be at least 1")
        self._model, self._window, self._parallel = path.stem, n_ctx or longest, parallel
        self._can_chat = header.chat_template is not None
        self._pipeline: SharedPipeline | None = SharedPipeline(
            path, cache_gib, parallel, prompt_lookup
        )

    @property
    def model(self) -> str:
        """See `Runtime`."""
        return self._model

    @property
    def window(self) -> int | None:
        """See `Runtime`."""
        return self._window

    @property
    def parallel(self) -> int:
        """See `Runtime`."""
        return self._parallel

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Runtime`; log-probabilities are those of the chosen tokens alone."""
        chat: tuple[Ability, ...] = ("chat", "tools") if self._can_chat else ()
        return _ABILITIES | frozenset(chat)

    def count(self, text: str) -> int:
        """See `Runtime`."""
        return int(self._tokens(well_formed(text)).shape[1]) if text else 0

    def count_prompt(self, request: Request) -> int:
        """See `Runtime`."""
        return int(self._prompt(request).shape[1])

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        """See `Runtime`; `close` may be called from another thread."""
        if request.logprobs:
            raise InputError("OpenVINO gives no alternatives of a token; ask with logprobs=0")
        pipeline, tokens = self._running(), self._prompt(request)
        length = int(tokens.shape[1])
        most = request.max_tokens or (self._window or length) - length
        if most < 1 or (self._window is not None and length + most > self._window):
            raise ContextOverflowError(length + max(most, 1), self._window or 0)
        settings = pipeline.settings(request, most)
        arrivals: Arrivals[Step] = Arrivals()

        def write(deliver: Callable[[Step], bool]) -> None:
            if arrivals.unwanted.is_set():
                return
            with closing(pipeline.run(tokens, settings)) as outputs:
                for step in _steps(outputs, pipeline, settings, request):
                    if deliver(step):
                        return

        answer = read_steps(
            iterate_callback(write, arrivals), request, PromptTokens(length), self._model, most
        )
        return StoppableAnswer(shaped(answer, request), arrivals.stop)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":  # noqa: ARG002
        """See `Runtime`; refused."""
        raise InputError(f"{self._model} was not loaded for embeddings; see ragthrift.embed")

    def close(self) -> None:
        """See `Runtime`."""
        self._pipeline = None

    def _running(self) -> SharedPipeline:
        if self._pipeline is None:
            raise ModelError("this model is closed; load it again")
        return self._pipeline

    def _tokens(self, text: str) -> Any:
        """OpenVINO's tensor, shape (1, n)."""
        return self._running().tokenizer.encode(text, add_special_tokens=False).input_ids

    def _prompt(self, request: Request) -> Any:
        check_texts(request)
        if not self._can_chat:
            raise InputError(f"{self._model} is a base model: its file holds no chat template")
        turns = as_turns(written_messages(request))
        try:
            text = self._running().tokenizer.apply_chat_template(turns, add_generation_prompt=True)
        except RuntimeError as error:
            raise InputError(f"the chat template refuses these messages: {error}") from error
        return self._tokens(text)


def _steps(
    outputs: Generator[Any, None, None], pipeline: SharedPipeline, settings: Any, request: Request
) -> Generator[Step, None, None]:
    tokenizer = pipeline.tokenizer
    ends = {settings.eos_token_id, *settings.stop_token_ids}
    text = TokenText(lambda some: str(tokenizer.decode(list(some))))
    for output in outputs:
        pairs = list(zip(output.generated_ids, output.generated_log_probs, strict=True))
        stops = output.finish_reason == pipeline.stop_reason
        for place, (token, logprob) in enumerate(pairs, start=1):
            found = None
            if request.logprobs is not None:
                found = TokenLogprob(tokenizer.decode([token], False), min(0.0, logprob))
            is_end = token in ends or (stops and place == len(pairs))
            piece = text.rest() if token in ends else text.add(token)
            yield Step(piece, found, is_end=is_end)
            if token in ends:
                return
