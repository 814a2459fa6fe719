"""A language model on this machine, by Hugging Face's transformers."""

import os
import threading
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from ragthrift.errors import ContextOverflowError, InputError, ModelError
from ragthrift.local.callback import Arrivals, iterate_callback
from ragthrift.local.hugging_face_loading import Precision, Quantization, load_model_and_tokenizer
from ragthrift.local.hugging_face_steps import TransformersSteps
from ragthrift.local.openai_form import as_turns
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request
from ragthrift.local.stoppable import StoppableAnswer
from ragthrift.local.token_steps import PromptTokens, Step, read_steps, shaped, written_messages
from ragthrift.local.written_request import check_texts
from ragthrift.tokens import well_formed
from ragthrift.types import Completion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HuggingFaceRuntime:
    """A folder or a name of Hugging Face, run by PyTorch, its weights in int8 or int4 by torchao.

    Calls wait for each other. The prefix that a prompt shares with the last one is not read
    again. Tools are written into the prompt as text; nothing binds an answer to a schema.
    """

    parallel = 1

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        quantization: Quantization | None = None,
        window: int | None = None,
        precision: Precision = "float32",
        device: str | None = None,
    ) -> None:
        """Load the model.

        `quantization` saves memory: on a CPU int8 took a third of float32's for about the same
        work, int4 for more than twice the work. `precision` is that of the arithmetic; bfloat16
        halves the memory, and is slow on CPUs without instructions for it. `window` defaults to
        what the model was trained on, `device` to the GPU if there is one.

        Raises ModelNotFoundError, ModelError, InputError, MissingExtraError.
        """
        self._model = os.fspath(model).rstrip("/").rpartition("/")[2]
        network, tokenizer = load_model_and_tokenizer(model, quantization, precision, device)
        trained = getattr(network.config.get_text_config(), "max_position_embeddings", None)
        if window is not None and not 1 <= window <= (trained or window):
            raise InputError(f"window={window} must be from 1 to {trained or 'any'}")
        self._window: int | None = window or trained
        self._tokenizer = tokenizer
        self._steps: TransformersSteps | None = TransformersSteps(network, tokenizer)
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        """See `Runtime`."""
        return self._model

    @property
    def window(self) -> int | None:
        """See `Runtime`."""
        return self._window

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Runtime`."""
        chat: tuple[Ability, ...] = ("chat", "tools") if self._tokenizer.chat_template else ()
        return frozenset({*chat, "logprobs", "exact_count"})

    def count(self, text: str) -> int:
        """See `Runtime`."""
        return len(self._tokens(well_formed(text))) if text else 0

    def count_prompt(self, request: Request) -> int:
        """See `Runtime`."""
        return len(self._prompt(request))

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        """See `Runtime`; `close` may be called from another thread."""
        tokens = self._prompt(request)
        most = request.max_tokens or (self._window or len(tokens)) - len(tokens)
        if most < 1 or (self._window is not None and len(tokens) + most > self._window):
            raise ContextOverflowError(len(tokens) + max(most, 1), self._window or 0)
        if self._steps is None:
            raise ModelError("this model is closed; load it again")
        model, prompt = self._steps, PromptTokens(len(tokens))
        arrivals: Arrivals[Step] = Arrivals()

        def write(deliver: Callable[[Step], bool]) -> None:
            with self._lock:
                if arrivals.unwanted.is_set():
                    return
                prompt.cached = model.shared_prefix(tokens)
                for number, step in enumerate(model.steps(tokens, request), start=1):
                    if deliver(step) or number == most or step.is_end:
                        return

        steps = iterate_callback(write, arrivals)
        answer = read_steps(steps, request, prompt, self._model, most)
        return StoppableAnswer(shaped(answer, request), arrivals.stop)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":  # noqa: ARG002
        """See `Runtime`; refused."""
        raise InputError(f"{self._model} was not loaded for embeddings; see ragthrift.embed")

    def close(self) -> None:
        """See `Runtime`."""
        self._steps = None

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def _prompt(self, request: Request) -> list[int]:
        check_texts(request)
        if not self._tokenizer.chat_template:
            raise InputError(f"{self._model} is a base model: its tokenizer has no chat template")
        from jinja2 import TemplateError

        turns = as_turns(written_messages(request))
        try:
            text = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True
            )
        except TemplateError as error:
            raise InputError(f"the chat template refuses these messages: {error}") from error
        return self._tokens(text)
