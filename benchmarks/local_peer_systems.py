"""One chat model over a GGUF file: ours, or another project's.

Imports nothing of this project but for ours, so that another environment's Python can run it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

Turn = tuple[str, str]
"""Role and text."""
WINDOW, THREADS = 2048, 2
ASKED: list[Turn] = [("user", "Write two sentences about the weather in Paris.")]
CITY = {
    "title": "Town",
    "description": "A town",
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}, "people": {"type": "integer"}},
    "required": ["city", "people"],
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class LangChainChat:
    """Any of LangChain's chat models."""

    def __init__(self, chat: Any, forced: Any, loaded: Any = None) -> None:
        self.chat, self._forced, self._loaded = chat, forced, loaded

    def pieces(self, turns: Sequence[Turn], **settings: Any) -> Iterator[str]:
        """The text as it comes."""
        for chunk in self.chat.stream(list(turns), **settings):
            if chunk.content:
                yield chunk.content

    def answer(self, turns: Sequence[Turn], **settings: Any) -> str:
        """The text at once."""
        return str(self.chat.invoke(list(turns), **settings).content)

    async def later(self, turns: Sequence[Turn], **settings: Any) -> str:
        """The text, awaited."""
        return str((await self.chat.ainvoke(list(turns), **settings)).content)

    def tokens(self, turns: Sequence[Turn], **settings: Any) -> tuple[int, int]:
        """Tokens read and written, as the framework reports them."""
        message = self.chat.invoke(list(turns), **settings)
        usage = message.usage_metadata or {}
        return usage.get("input_tokens", 0), usage.get("output_tokens", 0)

    def prompt_tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens read; asked of the library below, where the chat model does not tell."""
        if type(self.chat).__name__ != "ChatLlamaCpp":
            return self.tokens(turns, max_tokens=1)[0]
        messages = [{"role": role, "content": text} for role, text in turns]
        reply = self.chat.client.create_chat_completion(messages=messages, max_tokens=1)
        return int(reply["usage"]["prompt_tokens"])

    def called(self, turns: Sequence[Turn]) -> list[str]:
        """Names of the tools that a forced call asks for."""
        bound = self.chat.bind_tools([WEATHER], tool_choice=self._forced)
        return [call["name"] for call in bound.invoke(list(turns), max_tokens=60).tool_calls]

    def typed(self, turns: Sequence[Turn]) -> Any:
        """An answer that fits the schema."""
        return self.chat.with_structured_output(CITY).invoke(list(turns))


class LlamaIndexChat:
    """LlamaIndex's LlamaCPP."""

    def __init__(self, llm: Any, message: Any) -> None:
        self._llm, self._message = llm, message

    def _told(self, turns: Sequence[Turn]) -> list[Any]:
        return [self._message(role=role, content=text) for role, text in turns]

    def pieces(self, turns: Sequence[Turn], **settings: Any) -> Iterator[str]:
        """The text as it comes."""
        for part in self._llm.stream_chat(self._told(turns), **settings):
            if part.delta:
                yield part.delta

    def answer(self, turns: Sequence[Turn], **settings: Any) -> str:
        """The text at once."""
        return str(self._llm.chat(self._told(turns), **settings).message.content)

    async def later(self, turns: Sequence[Turn], **settings: Any) -> str:
        """The text, awaited."""
        return str((await self._llm.achat(self._told(turns), **settings)).message.content)

    def tokens(self, turns: Sequence[Turn], **settings: Any) -> tuple[int, int]:
        """Tokens read and written; the raw reply is all there is."""
        found: Mapping[str, Any] = self._llm.chat(self._told(turns), **settings).raw or {}
        usage = found.get("usage", {})
        return usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)

    def prompt_tokens(self, turns: Sequence[Turn]) -> int:
        """Tokens read."""
        return self.tokens(turns)[0]

    def called(self, turns: Sequence[Turn]) -> list[str]:
        """LlamaCPP is no FunctionCallingLLM."""
        reply = self._llm.chat_with_tools([], user_msg=turns[-1][1])
        return [call.tool_name for call in self._llm.get_tool_calls_from_response(reply)]

    def typed(self, turns: Sequence[Turn]) -> Any:
        """An answer that fits the schema, by LlamaIndex's own program."""
        from llama_index.core.prompts import PromptTemplate
        from pydantic import create_model

        town = create_model("Town", city=(str, ...), people=(int, ...))
        found = self._llm.structured_predict(town, PromptTemplate("{told}"), told=turns[-1][1])
        return found.model_dump()


System = LangChainChat | LlamaIndexChat


def ours(path: str) -> System:
    """ChatLocal over LocalModel."""
    from langchain_ragthrift import ChatLocal
    from ragthrift.local import load_model

    llm = load_model(path, n_ctx=WINDOW, threads=THREADS, self_test=False)
    return LangChainChat(ChatLocal(llm=llm, model_name="local"), "get_weather", llm)


def over_http(path: str) -> System:
    """LangChain's ChatOpenAI over llama.cpp's own server, which runs in this process, too."""
    import xllamacpp
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_parallel = 4
    parameters.n_ctx = WINDOW * parameters.n_parallel
    parameters.cpuparams.n_threads = THREADS
    parameters.verbosity, parameters.ui = 0, False
    server = xllamacpp.Server(parameters)
    chat = ChatOpenAI(
        model="local",
        base_url=f"{server.listening_address}/v1",
        api_key=SecretStr("none"),
        temperature=0,
        max_retries=0,
        timeout=120,
        stream_usage=True,
    )
    return LangChainChat(chat, "get_weather", server)


def chat_llama_cpp(path: str) -> System:
    """LangChain's ChatLlamaCpp; its own n_ctx=512 and n_batch=8 would be no fair start."""
    _without_amx()
    chat = import_module("langchain_community.chat_models").ChatLlamaCpp(
        model_path=path, n_ctx=WINDOW, n_batch=512, n_threads=THREADS, temperature=0, verbose=False
    )
    forced = {"type": "function", "function": {"name": "get_weather"}}
    return LangChainChat(chat, forced)


def llama_cpp_of_llama_index(path: str) -> System:
    """LlamaIndex's LlamaCPP, without a prompt function of the user's own."""
    _without_amx()
    from llama_index.core.llms import ChatMessage

    given = {"n_threads": THREADS, "n_batch": 512}
    llm = import_module("llama_index.llms.llama_cpp").LlamaCPP(
        model_path=path,
        context_window=WINDOW,
        max_new_tokens=48,
        temperature=0.0,
        model_kwargs=given,
        verbose=False,
    )
    return LlamaIndexChat(llm, ChatMessage)


def _without_amx() -> None:
    """A build from source crashes on CPUs that list AMX and do not let it be used."""
    import llama_cpp.llama_cpp as library

    plain = library.llama_model_default_params

    def defaults() -> Any:
        parameters = plain()
        parameters.use_extra_bufts = False
        return parameters

    library.llama_model_default_params = defaults


SYSTEMS = {
    "ChatLocal (ours)": ours,
    "ChatOpenAI over llama.cpp's server": over_http,
    "ChatLlamaCpp (LangChain)": chat_llama_cpp,
    "LlamaCPP (LlamaIndex)": llama_cpp_of_llama_index,
}
