"""A language model on this machine, by llama.cpp."""

import os
import shutil
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from weakref import finalize

from ragthrift.errors import InputError
from ragthrift.local.answer import read_answer
from ragthrift.local.callback import Arrivals
from ragthrift.local.constraint import checked_answer
from ragthrift.local.conversation import Prompt, count_text
from ragthrift.local.embedder import LlamaCppEmbedder
from ragthrift.local.gguf import GGUFHeader, read_gguf
from ragthrift.local.memory_need import check_memory
from ragthrift.local.prompts import PromptFormat
from ragthrift.local.reproducible import can_reproduce
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request
from ragthrift.local.server import LlamaServer, Reply
from ragthrift.local.server_options import Pooling, ServerOptions
from ragthrift.local.session_slots import SessionSlots
from ragthrift.local.slot_files import SlotFiles
from ragthrift.local.speculation import Speculation, drafter
from ragthrift.local.speed_check import tokens_per_second, warn_if_slow
from ragthrift.local.stoppable import StoppableAnswer
from ragthrift.local.tool_text import forced_call, possible_call
from ragthrift.local.written_request import (
    RequestWriter,
    answer_form,
    for_one_token,
    must_call,
    offered,
)
from ragthrift.machine import available_cpus
from ragthrift.tokens import well_formed
from ragthrift.types import Completion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ALWAYS: frozenset[Ability] = frozenset(
    {"schema", "grammar", "logprobs", "sessions", "exact_count"}
)


class LlamaCppRuntime:
    """One GGUF file on the CPU, by `xllamacpp`. Safe for threads. Needs the `local` extra.

    A chat model is asked through the template in its file. A base model has none and needs a
    `prompt_format`, which a chat model may be given too, or a `chat_template` (Jinja).

    A `reproducible` model gives the same greedy answer whatever is cached and whoever else is
    answered, to the last bit; `True` refuses weights that do not allow it (Q4_0, Q4_1, Q5_0, Q5_1,
    Q8_0 do, without adapters), `None` does without. It is slower from some 1,000 tokens on.

    `n_ctx` is the window for prompt and answer in tokens. `slots` calls run at once, each with a
    window of its own, so that the memory for keys and values is `slots` times that of one: 2 GB for
    four of a model of 8B, where two CPUs gain most from working on several. `threads` defaults to
    the CPUs that the process may use. `cache_mib` bounds the memory for prefixes in no slot.

    `adapters` are LoRA files by name. `pooling` loads the model a second time for embeddings; the
    weights are shared, the rest is not. `self_test` warns if it writes below one token a second.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing that is fixed at loading
        self,
        model_path: str | os.PathLike[str],
        *,
        n_ctx: int = 4096,
        slots: int = 4,
        threads: int | None = None,
        cache_mib: int = 512,
        prompt_format: PromptFormat | None = None,
        chat_template: str | None = None,
        adapters: Mapping[str, str | os.PathLike[str]] | None = None,
        speculation: Speculation = "off",
        draft: str | os.PathLike[str] | None = None,
        pooling: Pooling | None = None,
        reproducible: bool | None = False,
        self_test: bool = True,
    ) -> None:
        """Load the model.

        Raises ModelNotFoundError, ModelError for a file that is not a usable GGUF model or needs
        more memory than there is, InputError for settings that cannot work, MissingExtraError.
        """
        path = Path(model_path)
        header = read_gguf(path)
        _check_settings(header, n_ctx, slots, threads, cache_mib)
        self._options = ServerOptions(
            n_ctx=n_ctx,
            threads=threads or available_cpus(),
            cache_mib=cache_mib,
            slots=slots,
            chat_template=chat_template,
            adapters={name: _adapter(name, Path(file)) for name, file in (adapters or {}).items()},
            speculation=speculation,
            draft=drafter(draft, speculation),
            reproducible=can_reproduce(reproducible, header, adapters or {}),
        )
        self._start(path, header, prompt_format, pooling)
        if self_test:
            warn_if_slow(tokens_per_second(self._server), self._model, self._options.threads)

    def _start(
        self,
        path: Path,
        header: GGUFHeader,
        prompt_format: PromptFormat | None,
        pooling: Pooling | None,
    ) -> None:
        options = self._options
        needed = tuple(options.adapters.values())
        check_memory(path, n_ctx=options.n_ctx, slots=options.slots, adapters=needed)
        scratch = Path(mkdtemp(prefix="ragthrift-slots-"))
        self._remove_scratch = finalize(self, shutil.rmtree, scratch, ignore_errors=True)
        self._options = options = replace(options, prefix_folder=scratch)
        self._model = path.stem
        self._server = LlamaServer(path, options)
        self._writer = self._request_writer(header, prompt_format, options.chat_template)
        self._sessions = SessionSlots(options.slots)
        self._slot_files = SlotFiles(self._server, path, options, scratch)
        self._embedder = None if pooling is None else _embedder(path, pooling, options)

    @property
    def model(self) -> str:
        """See `Runtime`."""
        return self._model

    @property
    def window(self) -> int:
        """See `Runtime`."""
        return self._options.n_ctx

    @property
    def parallel(self) -> int:
        """See `Runtime`."""
        return self._options.slots

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Runtime`."""
        found: set[Ability] = set(_ALWAYS)
        if self._writer.can_chat or self._writer.prompt_format is not None:
            found |= {"chat", "tools"}
        # llama.cpp takes a restored slot for one of the adapter that its last call had.
        found.add("adapters" if self._options.adapters else "saved_prefixes")
        if self._embedder is not None:
            found.add("embeddings")
        return frozenset(found)

    def count(self, text: str) -> int:
        """See `Runtime`; half a character counts as a whole one."""
        return count_text(self._server, well_formed(text), framed=False) if text else 0

    def count_prompt(self, request: Request) -> int:
        """See `Runtime`."""
        return self._writer.prompt(request).count(self._server)

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        """See `Runtime`; `close` may be called from another thread while the prompt is read."""
        prompt = self._writer.prompt(request)
        body = self._body(request, prompt)
        arrivals: Arrivals[Reply] = Arrivals()
        chunks = self._server.stream(prompt.route, body, arrivals)
        answer = read_answer(chunks, self._model, request.logprobs or 0)
        return StoppableAnswer(self._shaped(request, answer), arrivals.stop)

    def read_prefix(self, request: Request) -> None:
        """Read the prompt of a request, so that calls that begin like it need not."""
        key, text, slot = self._prefix(request)
        for _ in self.stream(for_one_token(request, session=request.session or key)):
            pass
        if "saved_prefixes" in self.abilities:
            self._slot_files.keep(slot, key, text)

    def save_prefix(self, request: Request, folder: Path) -> Path:
        """Read the prompt of a request and write its state into a folder; not with adapters."""
        if "saved_prefixes" not in self.abilities:
            raise InputError(f"{self._model} was loaded with adapters: its prefixes stay in memory")
        self.read_prefix(request)
        key, _, slot = self._prefix(request)
        return self._slot_files.save(slot, key, folder)

    def restore_prefix(self, request: Request, folder: Path) -> bool:
        """Put a saved state into a slot; `False` if there is none for exactly this model.

        A state fits one model file, template, prompt, `n_ctx`, number of slots and version of
        xllamacpp. One that was damaged counts as missing.
        """
        key, text, slot = self._prefix(request)
        if "saved_prefixes" not in self.abilities:
            return False
        if not self._slot_files.restore(slot, key, folder):
            return False
        self._slot_files.keep(slot, key, text)
        return True

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """See `Runtime`."""
        if self._embedder is None:
            raise InputError(f"{self._model} was loaded without pooling=, so it does not embed")
        return self._embedder.embed(texts)

    def close(self) -> None:
        """See `Runtime`."""
        self._server.close()
        if self._embedder is not None:
            self._embedder.close()
        self._remove_scratch()

    def _prefix(self, request: Request) -> tuple[str, str, int]:
        """Key, text and slot of a prefix, which counts as a session of its own."""
        text = self._prefix_text(request)
        key = self._slot_files.key(text)
        return key, text, self._sessions.of(request.session or key)

    def _prefix_text(self, request: Request) -> str:
        return self._writer.prompt(request).written(self._server).text

    def _request_writer(
        self, header: GGUFHeader, prompt_format: PromptFormat | None, template: str | None
    ) -> RequestWriter:
        can_chat = header.chat_template is not None or template is not None
        knows_tools = False
        if can_chat and prompt_format is None:
            caps = self._server.ask("/props").get("chat_template_caps", {})
            knows_tools = bool(caps.get("supports_tools"))
        return RequestWriter(self._server, self._model, prompt_format, can_chat, knows_tools)

    def _body(self, request: Request, prompt: Prompt) -> dict[str, Any]:
        body = {
            **prompt.body,
            **asdict(request.sampling),
            **answer_form(request, prompt),
            "max_tokens": request.max_tokens or -1,
            "stop": list(request.stop),
            "stream_options": {"include_usage": True},
        }
        adapters = self._options.adapters
        if request.adapter is not None and request.adapter not in adapters:
            raise InputError(f"no adapter {request.adapter!r}; there are {sorted(adapters)}")
        if adapters:
            # A slot keeps the adapters of its last call unless each one is named.
            body["lora"] = [
                {"id": place, "scale": float(name == request.adapter)}
                for place, name in enumerate(adapters)
            ]
        if request.session is not None:
            is_new = not self._sessions.holds(request.session)
            body["id_slot"] = self._sessions.of(request.session)
            if is_new:
                self._slot_files.begin(body["id_slot"], lambda: prompt.written(self._server).text)
        return body

    def _shaped(
        self, request: Request, answer: Generator[str, None, Completion]
    ) -> Generator[str, None, Completion]:
        if must_call(request):
            return forced_call(answer, offered(request))
        if offered(request) and not self._writer.knows_tools:
            return possible_call(answer, offered(request))
        if request.schema is not None:
            return checked_answer(answer, request.schema)
        return answer


def _check_settings(
    header: GGUFHeader, n_ctx: int, slots: int, threads: int | None, cache_mib: int
) -> None:
    if n_ctx < 1 or n_ctx > (header.trained_ctx or n_ctx):
        longest = header.trained_ctx or "any"
        raise InputError(f"n_ctx={n_ctx} must be from 1 to {longest}, the model's own longest")
    if threads is not None and threads < 1:
        raise InputError(f"threads={threads} must be at least 1, or None for all CPUs")
    if slots < 1 or cache_mib < 0:
        raise InputError(f"slots={slots} must be at least 1, cache_mib={cache_mib} at least 0")


def _adapter(name: str, file: Path) -> Path:
    if read_gguf(file).metadata.get("general.type") != "adapter":
        raise InputError(
            f"adapters[{name!r}]={str(file)!r} is no LoRA adapter; make one with llama.cpp's "
            "convert_lora_to_gguf.py"
        )
    return file


def _embedder(path: Path, pooling: Pooling, options: ServerOptions) -> LlamaCppEmbedder:
    n_ctx = min(options.n_ctx, _LONGEST_EMBEDDED)
    return LlamaCppEmbedder(path, pooling=pooling, n_ctx=n_ctx, threads=options.threads)


_LONGEST_EMBEDDED = 2048
