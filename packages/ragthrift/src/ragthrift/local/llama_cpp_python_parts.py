"""What `llama-cpp-python` needs to be asked token by token."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ragthrift.errors import InputError, ModelError, missing_extra
from ragthrift.local.constraint import check_schema, plain_schema
from ragthrift.local.sampling import Request
from ragthrift.local.server_options import Pooling
from ragthrift.local.tool_text import call_schema
from ragthrift.local.written_request import must_call, offered
from ragthrift.machine import available_cpus, calm_threads
from ragthrift.types import TokenLogprob


def load_llama(
    path: Path, *, n_ctx: int, threads: int | None, n_gpu_layers: int, **options: Any
) -> Any:
    """A silent `llama_cpp.Llama`."""
    llama_cpp = _import_llama_cpp()
    cpus = threads or available_cpus()
    sizes = {"n_ctx": _rounded(n_ctx), "n_threads": cpus, "n_threads_batch": cpus}
    options = {"n_batch": 512, **options}
    try:
        return llama_cpp.Llama(
            str(path), n_gpu_layers=n_gpu_layers, verbose=False, **sizes, **options
        )
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(
            f"llama-cpp-python could not load {path}: {error}; the file may be incomplete, of a "
            "kind that this build does not know, or too large for the memory"
        ) from error


def pooling_options(pooling: Pooling, n_ctx: int) -> dict[str, Any]:
    """What loads a model for embeddings; a text is embedded in one step or not at all."""
    llama_cpp = _import_llama_cpp()
    if pooling not in ("mean", "last", "cls"):
        raise InputError(f"pooling={pooling!r} must be 'mean', 'last' or 'cls'")
    kind = getattr(llama_cpp, f"LLAMA_POOLING_TYPE_{pooling.upper()}")
    size = _rounded(n_ctx)
    return {"embedding": True, "pooling_type": kind, "n_batch": size, "n_ubatch": size}


def _rounded(n_ctx: int) -> int:
    """As llama.cpp rounds it itself; a batch that it did not round with it ends the process."""
    return -(-n_ctx // 256) * 256


def chat_template(llama: Any) -> Callable[..., Any] | None:
    """What writes messages as the model's file says; `None` if it does not."""
    template = llama.metadata.get("tokenizer.chat_template")
    if not template:
        return None
    from jinja2 import TemplateError
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    names = {}
    for name, token in (("eos_token", llama.token_eos()), ("bos_token", llama.token_bos())):
        names[name] = llama._model.token_get_text(token) if token >= 0 else ""
    formatter = Jinja2ChatFormatter(template, **names)

    def written(**conversation: Any) -> Any:
        try:
            return formatter(**conversation)
        except (TemplateError, ValueError, TypeError) as error:
            raise InputError(f"the chat template refuses these messages: {error}") from error

    return written


def grammar_for(llama: Any, request: Request) -> Any:
    """What binds the answer: a grammar, a schema, or the schema of a call; `None` if nothing."""
    schema = request.schema
    if must_call(request):
        schema = call_schema(offered(request))
    if schema is not None:
        check_schema(schema)
        return _checked(llama, _gbnf(plain_schema(schema)), "schema")
    return None if request.grammar is None else _checked(llama, request.grammar, "grammar")


def log_probabilities(llama: Any, token: int, alternatives: int) -> TokenLogprob:
    """Of the token that was just chosen, before the settings of sampling."""
    import numpy as np
    from llama_cpp import llama_get_logits_ith

    row = llama_get_logits_ith(llama.ctx, -1)
    logits = np.ctypeslib.as_array(row, shape=(llama.n_vocab(),)).astype(np.float64)
    top = logits.max()
    found = logits - top - np.log(np.exp(logits - top).sum())
    best = np.argsort(-found)[:alternatives].tolist()

    def text(number: int) -> str:
        return str(llama.detokenize([number], special=True).decode("utf-8", "replace"))

    others = tuple((text(other), min(0.0, float(found[other]))) for other in best)
    return TokenLogprob(text(token), min(0.0, float(found[token])), others)


def _gbnf(schema: object) -> str:
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    try:
        return str(json_schema_to_gbnf(json.dumps(schema)))
    except Exception as error:  # it raises whatever an unknown keyword leads to
        raise InputError(
            f"llama-cpp-python makes no grammar of this schema: {error!r}; simplify it"
        ) from error


def _checked(llama: Any, grammar: str, what: str) -> Any:
    """The grammar, tried first: one that llama.cpp cannot read would end the process."""
    from llama_cpp import LlamaGrammar, llama_sampler_free, llama_sampler_init_grammar

    tried = llama_sampler_init_grammar(llama._model.vocab, grammar.encode(), b"root")
    if not tried:
        raise InputError(f"llama.cpp cannot read the {what}: {grammar[:200]!r}")
    llama_sampler_free(tried)
    return LlamaGrammar.from_string(grammar, verbose=False)


def _import_llama_cpp() -> Any:
    calm_threads()
    try:
        import llama_cpp
    except ImportError as error:
        missing_extra("llama-cpp-python", "llama-cpp-python", error)
    return llama_cpp
