"""llama.cpp's server inside this process: started, asked and stopped."""

import json
import os
import secrets
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ragthrift.errors import ContextOverflowError, InputError, ModelError, missing_extra
from ragthrift.local.callback import iterate_callback

Reply = Mapping[str, Any]
Route = Literal["completions", "chat_completions"]

_QUICK_QUESTION_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How much of the machine a model may use."""

    n_ctx: int
    """Context window in tokens."""
    threads: int
    cache_mib: int
    """Memory in MiB for prompt prefixes that are not in the window at the moment."""


class LlamaServer:
    """A loaded model. Safe to use from many threads: calls wait for each other in its queue.

    Answers come by direct call. Only token counts go over the loopback port, which a random key
    guards: xllamacpp offers no other way to the tokenizer.
    """

    def __init__(self, model_path: Path, options: ServerOptions) -> None:
        xllamacpp = _import_xllamacpp()
        self._key = secrets.token_urlsafe(32)
        parameters = _parameters(xllamacpp, model_path, options)
        parameters.api_keys = [self._key]
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelError(
                f"llama.cpp could not load {model_path}: the file may be incomplete, of a kind "
                "that this build does not know, or too large for the memory"
            ) from error

    def close(self) -> None:
        """Take no more calls; the memory is freed when the last running one has ended."""
        self._server = None

    def ask(self, path: str, body: Reply) -> Reply:
        """One quick question over the loopback port, such as a token count."""
        # A server that is freed waits for its open requests: the name must outlive this one.
        server = self._running()
        address = urlsplit(server.listening_address).netloc
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        try:
            with closing(HTTPConnection(address, timeout=_QUICK_QUESTION_SECONDS)) as connection:
                connection.request("POST", path, json.dumps(body), headers)
                reply: Reply = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            raise ModelError(f"llama.cpp did not answer {path}: {error!r}") from error
        return _checked(reply)

    def stream(self, route: Route, body: Reply) -> Generator[Reply, None, None]:
        """Chunks of an answer as they come; closing the generator stops the model."""
        call = getattr(self._running(), f"handle_{route}")
        chunks: Generator[Reply, None, None] = iterate_callback(
            lambda deliver: call({**body, "stream": True}, deliver)
        )
        with closing(chunks):
            yield from map(_checked, chunks)

    def _running(self) -> Any:
        server = self._server
        if server is None:
            raise ModelError("this model is closed; load it again")
        return server


def _import_xllamacpp() -> Any:
    # libgomp reads these once, when it is loaded. Its default is to spin at barriers, which on
    # busy CPUs slowed a model down from 20 to 0.2 tokens a second.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xllamacpp
    except ImportError as error:
        missing_extra("local", "xllamacpp", error)
    return xllamacpp


def _parameters(xllamacpp: Any, model_path: Path, options: ServerOptions) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_path)
    parameters.n_ctx = options.n_ctx
    parameters.cpuparams.n_threads = options.threads
    parameters.cache_ram_mib = options.cache_mib
    parameters.n_batch = 512
    parameters.n_parallel = 1
    parameters.verbosity = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    return parameters


def _checked(reply: Reply) -> Reply:
    """The reply, unless it is one of llama.cpp's errors."""
    error = reply.get("error", reply if "code" in reply else None)
    if error is None:
        return reply
    message = str(error.get("message", error))
    match error.get("type"):
        case "exceed_context_size_error":
            raise ContextOverflowError(error["n_prompt_tokens"], error["n_ctx"])
        case "invalid_request_error":
            raise InputError(f"llama.cpp refused the request: {message}")
    raise ModelError(f"llama.cpp failed: {message}")
