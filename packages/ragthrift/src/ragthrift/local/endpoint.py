"""A model behind a server that speaks OpenAI's chat protocol."""

from collections.abc import Generator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from ragthrift.errors import InputError, ModelError
from ragthrift.local.constraint import check_schema, checked_answer
from ragthrift.local.endpoint_answer import read_chat_answer
from ragthrift.local.endpoint_dialects import ABILITIES, Dialect, chat_body, tool_fields
from ragthrift.local.endpoint_hang_up import HangUp
from ragthrift.local.endpoint_server import ModelServer, Reply
from ragthrift.local.openai_form import as_turns
from ragthrift.local.runtime import Ability
from ragthrift.local.sampling import Request
from ragthrift.local.stoppable import StoppableAnswer
from ragthrift.states import unit
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Completion, Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TEXTS_AT_ONCE = 128


class EndpointRuntime:
    """vLLM, llama-server, Ollama, LM Studio or any other server of OpenAI's chat protocol.

    `dialect` opens what a server adds to the protocol: exact counts, grammars, adapters, `top_k`,
    `min_p` and `repeat_penalty` with vLLM and llama-server. Calls go straight to the address,
    past any proxy.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        dialect: Dialect = "openai",
        api_key: str | None = None,
        window: int | None = None,
        parallel: int = 8,
        timeout: float = 300.0,
        tries: int = 4,
    ) -> None:
        """`base_url` ends in `/v1`; nothing is sent yet.

        `window` is asked from vLLM and llama-server where it is not given. `timeout` is in seconds
        without a byte. A call that is refused for load, or whose connection breaks before its
        answer begins, is tried `tries` times.
        """
        if dialect not in get_args(Dialect):
            raise InputError(f"dialect={dialect!r} must be one of {list(get_args(Dialect))}")
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc:
            raise InputError(f"base_url={base_url!r} must be as http://localhost:8000/v1")
        if min(parallel, tries) < 1 or timeout <= 0 or (window is not None and window < 1):
            raise InputError("parallel, tries and window must be at least 1, timeout above 0")
        if dialect == "ollama" and window is None:
            raise InputError(
                "Ollama cuts a prompt that is too long without a word: give window=, the num_ctx "
                "that it runs the model with (OLLAMA_CONTEXT_LENGTH)"
            )
        self._model, self._dialect, self._parallel = model, dialect, parallel
        self._given_window = window
        base = base_url.rstrip("/")
        self._routes = "/v1" if base.endswith("/v1") else ""
        self._server: ModelServer | None = ModelServer(
            root=base.removesuffix("/v1"), api_key=api_key, timeout=timeout, tries=tries
        )

    @property
    def model(self) -> str:
        """See `Runtime`."""
        return self._model

    @property
    def window(self) -> int | None:
        """See `Runtime`."""
        return self._given_window or self._servers_window

    @property
    def parallel(self) -> int:
        """See `Runtime`."""
        return self._parallel

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Runtime`; embeddings and tools are refused by a server that has none."""
        return ABILITIES[self._dialect]

    def count(self, text: str) -> int:
        """See `Runtime`."""
        if self._dialect == "llama-server":
            reply = self._ask("/tokenize", {"content": text, "add_special": False})
            return len(reply["tokens"])
        if self._dialect == "vllm":
            body = {"model": self._model, "prompt": text, "add_special_tokens": False}
            return int(self._ask("/tokenize", body)["count"])
        return EstimatedTokens().count(text)

    def count_prompt(self, request: Request) -> int:
        """See `Runtime`."""
        body: dict[str, Any] = {"messages": as_turns(request.messages), **tool_fields(request)}
        if self._dialect == "llama-server":
            return int(self._ask("/v1/chat/completions/input_tokens", body)["input_tokens"])
        if self._dialect == "vllm":
            body.pop("tool_choice", None)
            return int(self._ask("/tokenize", {"model": self._name(request), **body})["count"])
        return self.count(_written(request.messages))

    def stream(self, request: Request) -> Generator[str, None, Completion]:
        """See `Runtime`."""
        server = self._running()
        if request.schema is not None:
            check_schema(request.schema)
        body = {"model": self._name(request), **chat_body(request, self._dialect)}
        if self._dialect == "llama-server":
            body |= self._llama_fields(request)
        hang_up = HangUp()
        chunks = server.stream(f"{self._routes}/chat/completions", body, hang_up)
        answer = read_chat_answer(chunks, request, self._model)
        if request.schema is not None:
            answer = checked_answer(answer, request.schema)
        return StoppableAnswer(answer, hang_up)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """See `Runtime`."""
        import numpy as np

        if not texts:
            return self.embed(["-"])[:0]
        rows: list[list[float]] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = list(texts[start : start + _TEXTS_AT_ONCE])
            body = {"model": self._model, "input": some, "encoding_format": "float"}
            found = self._ask(f"{self._routes}/embeddings", body)["data"]
            rows += [row["embedding"] for row in sorted(found, key=lambda row: int(row["index"]))]
        vectors = np.asarray(rows, dtype=np.float32)
        return unit(vectors)

    def close(self) -> None:
        """Take no more calls; the server runs on."""
        self._server = None

    def _running(self) -> ModelServer:
        if self._server is None:
            raise ModelError("this model is closed; load it again")
        return self._server

    def _ask(self, path: str, body: Reply | None = None) -> Reply:
        return self._running().ask(path, body)

    def _name(self, request: Request) -> str:
        """Of an adapter, which vLLM serves as a model of its own, or of the model."""
        if self._dialect == "vllm" and request.adapter is not None:
            return request.adapter
        return self._model

    @cached_property
    def _servers_window(self) -> int | None:
        if self._dialect == "llama-server":
            return int(self._properties["default_generation_settings"]["n_ctx"])
        if self._dialect == "vllm":
            found = self._ask("/v1/models")["data"]
            windows = {card["id"]: card.get("max_model_len") for card in found}
            if self._model not in windows:
                raise InputError(f"{self._model} is not served here; these are: {sorted(windows)}")
            window: int | None = windows[self._model]
            return window
        return None

    @cached_property
    def _properties(self) -> Reply:
        return self._ask("/props")

    @cached_property
    def _adapters(self) -> dict[str, int]:
        """llama-server's number of each adapter by the name of its file."""
        found = self._ask("/lora-adapters")["data"]
        return {
            str(one["path"]).rpartition("/")[2].removesuffix(".gguf"): one["id"] for one in found
        }

    def _llama_fields(self, request: Request) -> dict[str, Any]:
        caps = self._properties.get("chat_template_caps") or {}
        if request.tools and not caps.get("supports_tools", True):
            raise InputError(f"the chat template of {self._model} knows no tools; use a schema")
        if request.adapter is not None and request.adapter not in self._adapters:
            raise InputError(f"no adapter {request.adapter!r}; there are {sorted(self._adapters)}")
        # A slot keeps the adapters of its last call unless each one is named.
        return {
            "lora": [
                {"id": number, "scale": float(name == request.adapter)}
                for name, number in self._adapters.items()
            ]
        }


def _written(messages: Sequence[Message]) -> str:
    """About what a template makes of the messages."""
    calls = (call.name + call.arguments for turn in messages for call in turn.tool_calls)
    return "\n".join([*(f"{turn.role}: {turn.content}" for turn in messages), *calls])
