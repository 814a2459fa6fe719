"""llama.cpp's server inside this process: started, asked and stopped."""

import json
import os
import secrets
import threading
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ragthrift.errors import ContextOverflowError, InputError, ModelError, missing_extra

if TYPE_CHECKING:
    from types import ModuleType

Reply = Mapping[str, Any]
Route = Literal["completions", "chat_completions"]

_QUICK_ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How much of the machine a model may use."""

    n_ctx: int
    """Context window in tokens."""
    threads: int
    cache_mib: int
    """Memory for prompt prefixes that are not in the window at the moment, in MiB."""


class LlamaServer:
    """A loaded model. Safe to use from many threads; calls wait for each other in its queue.

    Answers come by direct call. Only token counts go over the loopback port, which is guarded by
    a random key: the package offers no other way to the tokenizer.
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
                f"llama.cpp could not load {model_path}; the file may be incomplete, of a kind "
                f"that this build does not know, or too large for the memory: {error}"
            ) from error

    def close(self) -> None:
        """Take no more calls; the memory is freed when the last running one has ended."""
        self._server = None

    def ask(self, path: str, body: Reply) -> Reply:
        """One quick question to the loopback port, such as a token count."""
        # While this name lives, so does the server: it would wait for this very request to end.
        server = self._running()
        connection = HTTPConnection(
            urlsplit(server.listening_address).netloc, timeout=_QUICK_ANSWER_SECONDS
        )
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        try:
            with closing(connection):
                connection.request("POST", path, json.dumps(body), headers)
                reply: Reply = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            raise ModelError(f"llama.cpp did not answer {path}: {error!r}") from error
        return _checked(reply)

    def stream(self, route: Route, body: Reply) -> Generator[Reply, None, None]:
        """Chunks of an answer as they come; closing the generator stops the model.

        The call runs in a thread of its own, so that Ctrl-C gets through while the model reads a
        long prompt.
        """
        chunks: SimpleQueue[Reply | Exception | None] = SimpleQueue()
        unwanted = threading.Event()

        def deliver(chunk: Reply) -> bool:
            chunks.put(chunk)
            return unwanted.is_set()

        call = _Call(self._running(), route, {**body, "stream": True}, deliver, chunks)
        threading.Thread(target=call.run, name=f"llama.cpp {route}").start()
        del call
        try:
            while (chunk := chunks.get()) is not None:
                if isinstance(chunk, Exception):
                    raise ModelError(f"llama.cpp failed: {chunk}") from chunk
                yield _checked(chunk)
        finally:
            unwanted.set()

    def _running(self) -> Any:
        if self._server is None:
            raise ModelError("this model is closed; load it again")
        return self._server
