"""Models by a short name, as the command line takes them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragthrift import InputError
from ragthrift.protocols import LLM
from ragthrift_bench.generations import Answering, CachedLLM
from ragthrift_bench.models.recorded import RecordedModel
from ragthrift_bench.models.wrapped import as_llm
from ragthrift_bench.named import own_function

CHOICES = "embedded, none, openai:MODEL@URL, recorded:FILE or package.module:function"


@dataclass(frozen=True, slots=True)
class Named:
    """A model that is not loaded yet."""

    name: str
    """What a report calls it."""
    key: str
    """Says everything that changes its answers."""
    open: Callable[[Path], Answering]
    """Takes the folder that answers are kept in."""


def load(spec: str) -> Named | None:
    """The model of a name; `None` for `none`, which asks no model.

    | spec | is |
    |---|---|
    | `embedded` | Gemma 3 270M in the process |
    | `none` | no model: only what prompts hold and cost is measured |
    | `openai:MODEL@URL` | an endpoint that speaks OpenAI's protocol, such as vLLM, Ollama or \
llama-server; without `@URL` OpenAI itself. The key is taken from `OPENAI_API_KEY` |
    | `recorded:FILE` | the answers of an earlier run, kept by `--record` |
    | `package.module:function` | what your function returns: a chat model of LangChain, an LLM of \
LlamaIndex, or of ragthrift |

    >>> load("gpt")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ragthrift.errors.InputError: unknown model 'gpt'; use embedded, none, openai:MODEL@URL, ...
    """
    kind, colon, rest = spec.partition(":")
    if spec == "none":
        return None
    if spec == "embedded":
        return _kept("Gemma 3 270M, int4, in the process", "gemma-3-270m-q4_k_m", _embedded)
    if kind == "openai" and rest:
        return _endpoint(rest)
    if kind == "recorded" and rest:
        recorded = RecordedModel(Path(rest))
        name = f"{recorded.models}, recorded"
        return Named(name, f"recorded {recorded.digest}", lambda _: recorded)
    if colon and rest and "." not in rest:
        function = own_function(spec)
        return _kept(spec, f"{spec} {function.code}", lambda: as_llm(function()))
    raise InputError(f"unknown model {spec!r}; use {CHOICES}")


def _kept(name: str, key: str, load: Callable[[], LLM]) -> Named:
    return Named(name, key, lambda folder: CachedLLM(load, folder, model_name=key))


def _embedded() -> LLM:
    from ragthrift_bench.reader import load_reader

    return load_reader()


def _endpoint(place: str) -> Named:
    model, _, url = place.partition("@")
    if url and not url.startswith(("http://", "https://")):
        raise InputError(f"{url!r} is no address; write openai:{model}@http://localhost:8000/v1")

    def connect() -> LLM:
        from ragthrift_bench.models.endpoint import EndpointLLM

        return EndpointLLM(model, url or None)

    return _kept(f"{model} at {url or 'OpenAI'}", f"{model} {url}", connect)
