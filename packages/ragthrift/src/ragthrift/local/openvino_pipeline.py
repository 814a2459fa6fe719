"""OpenVINO's pipeline, which works on several calls at once, shared by the threads that call."""

import json
import os
import threading
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

from ragthrift.errors import InputError, ModelError, missing_extra
from ragthrift.local.constraint import check_schema, plain_schema
from ragthrift.local.sampling import Request
from ragthrift.local.tool_text import call_schema
from ragthrift.local.written_request import must_call, offered

_LOOKUP_TOKENS, _LOOKUP_NGRAM = 5, 3
"""Tokens that prompt lookup proposes, and the length of what it looks up."""

_MOST_MIN_P = 0.999999
"""OpenVINO refuses 1, which leaves the likeliest token alone."""


class SharedPipeline:
    """One step serves every call in it; the thread that has the lock makes it."""

    def __init__(self, model_path: Path, cache_gib: int, parallel: int, lookup: bool) -> None:
        self._library = _import_openvino_genai()
        self._path, self._lookup = model_path, lookup
        self._schedule = self._library.SchedulerConfig()
        self._schedule.cache_size = cache_gib
        self._schedule.enable_prefix_caching = True
        self._schedule.max_num_seqs = parallel
        self._lock = threading.Lock()
        self._numbers = count()
        self._pipeline = self._loaded()
        self.tokenizer = self._pipeline.get_tokenizer()
        self.stop_reason = self._library.GenerationFinishReason.STOP

    def run(self, tokens: Any, settings: Any) -> Generator[Any, None, None]:
        """OpenVINO's outputs as they come; closing the generator takes the call out."""
        running = self._library.GenerationStatus.RUNNING
        pipeline, handle = self._begun(tokens, settings)
        try:
            while True:
                with self._lock:
                    if pipeline is not self._pipeline:
                        raise ModelError("OpenVINO had to be loaded again; ask again")
                    if not handle.can_read() and handle.get_status() == running:
                        pipeline.step()
                    outputs = list(handle.read().values()) if handle.can_read() else []
                    over = handle.get_status() != running and not handle.can_read()
                yield from outputs
                if over:
                    return
        finally:
            with self._lock:
                if handle.get_status() == running:
                    handle.cancel()

    def settings(self, request: Request, most: int) -> Any:
        """OpenVINO's settings of one call; stop texts are found outside."""
        sampling = request.sampling
        found = self._pipeline.get_config()
        found.apply_chat_template = False
        found.max_new_tokens = most
        found.repetition_penalty = sampling.repeat_penalty
        found.do_sample = sampling.temperature > 0
        if found.do_sample:
            found.temperature, found.top_p = sampling.temperature, sampling.top_p
            found.min_p, found.rng_seed = min(sampling.min_p, _MOST_MIN_P), sampling.seed
            if sampling.top_k:
                found.top_k = sampling.top_k
        if request.logprobs is not None:
            found.logprobs = 1
        if self._lookup:
            found.num_assistant_tokens, found.max_ngram_size = _LOOKUP_TOKENS, _LOOKUP_NGRAM
        if (form := self._form(request)) is not None:
            found.structured_output_config = form
        return found

    def _begun(self, tokens: Any, settings: Any) -> tuple[Any, Any]:
        """The call after its first step, and the pipeline that it is in.

        A schema that OpenVINO cannot compile fails in that step and in each one after it, whoever
        makes it, even if the call is cancelled: nothing helps but to load the model again.
        """
        with self._lock:
            handle = self._pipeline.add_request(next(self._numbers), tokens, settings)
            try:
                self._pipeline.step()
            except RuntimeError as error:
                self._pipeline = self._loaded()
                if settings.structured_output_config is None:
                    raise
                raise InputError(
                    f"OpenVINO cannot bind an answer to this schema: {_reason(error)}; simplify it"
                ) from error
            return self._pipeline, handle

    def _loaded(self) -> Any:
        options = {"prompt_lookup": True} if self._lookup else {}
        try:
            return self._library.ContinuousBatchingPipeline(
                str(self._path), self._schedule, "CPU", options
            )
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO could not load {self._path}: {_reason(error)}; it knows a part of "
                "the architectures of GGUF files"
            ) from error

    def _form(self, request: Request) -> Any:
        schema = request.schema
        if must_call(request):
            schema = call_schema(offered(request))
        if schema is None:
            return None
        check_schema(schema)
        text = json.dumps(plain_schema(schema))
        return self._library.StructuredOutputConfig(json_schema=text)


def _reason(error: RuntimeError) -> str:
    """What it says, without the places in OpenVINO's source."""
    return str(error).strip().splitlines()[-1].rpartition(".cc:")[2]


def _import_openvino_genai() -> Any:
    os.environ.setdefault("OPENVINO_LOG_LEVEL", "0")
    try:
        import openvino_genai
    except ImportError as error:
        missing_extra("openvino", "openvino-genai", error)
    return openvino_genai
