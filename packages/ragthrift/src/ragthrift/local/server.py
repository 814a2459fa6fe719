"""llama.cpp's server inside this process: started, asked and stopped."""

import json
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ragthrift.errors import ContextOverflowError, InputError, ModelError, missing_extra
from ragthrift.local.callback import Arrivals, Pulse, iterate_callback
from ragthrift.local.server_options import ServerOptions, parameters_for
from ragthrift.machine import calm_threads

Reply = Mapping[str, Any]
Route = Literal["completions", "chat_completions"]

_QUICK_QUESTION_SECONDS = 60.0
_STALL_SECONDS = 300.0
"""Longer than any step takes. Under thousands of mixed calls from 16 threads llama.cpp's loop
was seen to spin once without going on: its callers get an error then, and wait no longer."""


class LlamaServer:
    """A loaded model. Safe for threads: calls wait in its queue for a free slot.

    Answers come by direct call. Questions about tokens, the template and slots go over the
    loopback port, which a random key guards: xllamacpp offers no other way to them.
    """

    def __init__(self, model_path: Path, options: ServerOptions) -> None:
        xllamacpp = _import_xllamacpp()
        self._key = secrets.token_urlsafe(32)
        parameters = parameters_for(xllamacpp, model_path, options)
        parameters.api_keys = [self._key]
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelError(
                f"llama.cpp could not load {model_path}: the file may be incomplete, of a kind "
                "that this build does not know, or too large for the memory"
                + options.other_causes()
            ) from error
        self._pulse = Pulse(_STALL_SECONDS)
        self.version: str = getattr(xllamacpp, "__version__", "")

    @property
    def address(self) -> str:
        """URL of its OpenAI-compatible API; it takes `key` alone."""
        return f"{self._running().listening_address}/v1"

    @property
    def key(self) -> str:
        """What guards the port."""
        return self._key

    def close(self) -> None:
        """Take no more calls; the memory is freed when the last running one has ended."""
        self._server = None

    def ask(self, path: str, body: Reply | None = None) -> Reply:
        """One quick question over the loopback port; without a body it is a GET."""
        # A server that is freed waits for its open requests: the name must outlive this one.
        server = self._running()
        address = urlsplit(server.listening_address).netloc
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        method, content = ("GET", None) if body is None else ("POST", json.dumps(body))
        try:
            with closing(HTTPConnection(address, timeout=_QUICK_QUESTION_SECONDS)) as connection:
                connection.request(method, path, content, headers)
                reply: Reply = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            raise ModelError(f"llama.cpp did not answer {path}: {error!r}") from error
        finally:
            if path.startswith("/slots/"):
                _wake(server)
        return _checked(reply)

    def stream(
        self, route: Route, body: Reply, arrivals: Arrivals[Reply] | None = None
    ) -> Generator[Reply, None, None]:
        """Chunks of an answer as they come; closing the generator stops the model.

        `arrivals.stop()` does so from another thread, even while it reads the prompt: at the end
        of the 512 tokens that it is at, or of the next.
        """
        server = self._running()
        # Without the progress it would call back at the first token of the answer only.
        request = {**body, "stream": True, "return_progress": True}
        chunks: Generator[Reply, None, None] = iterate_callback(
            lambda deliver: self._run(server, route, request, deliver), arrivals, self._pulse
        )
        with closing(chunks):
            try:
                yield from map(_checked, chunks)
            except ModelError as error:
                if isinstance(error.__cause__, ValueError) and "schema" in str(error).lower():
                    raise InputError(f"llama.cpp refused the schema: {error.__cause__}") from error
                raise

    def embed(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text, from a model loaded for that."""
        try:
            reply = _checked(self._running().handle_embeddings({"input": texts}))
        except (RuntimeError, ValueError, TypeError) as error:
            raise ModelError(f"llama.cpp failed while embedding: {error}") from error
        return [row["embedding"] for row in sorted(reply["data"], key=lambda row: row["index"])]

    def _run(
        self, server: Any, route: Route, request: Reply, deliver: Callable[[Reply], bool]
    ) -> None:
        """The call itself, in a thread of its own."""
        failed = False

        def take(chunk: Reply) -> bool:
            nonlocal failed
            self._pulse.beat()
            failed = failed or "error" in chunk or "code" in chunk
            return deliver(chunk)

        with self._pulse.call():
            try:
                getattr(server, f"handle_{route}")(request, take)
            finally:
                if failed:
                    _wake(server)

    def _running(self) -> Any:
        server = self._server
        if server is None:
            raise ModelError("this model is closed; load it again")
        return server


def _wake(server: Any) -> None:
    """Have llama.cpp look at the calls that wait for a slot.

    It does so when an answer ends, but not after a call that failed at its beginning, or a slot
    that was saved or restored: the calls behind those would wait forever.
    """
    server.handle_completions({"prompt": "a", "max_tokens": 1})


def _import_xllamacpp() -> Any:
    calm_threads()
    try:
        import xllamacpp
    except ImportError as error:
        missing_extra("local", "xllamacpp", error)
    return xllamacpp


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
