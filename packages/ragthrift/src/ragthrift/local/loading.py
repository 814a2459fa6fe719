"""One door to every runtime."""

import os
from collections.abc import Callable
from typing import Any, Literal

from ragthrift.errors import InputError
from ragthrift.local.model import LocalModel
from ragthrift.local.runtime import Runtime
from ragthrift.local.sampling import CallSettings, Sampling

RuntimeName = Literal["xllamacpp", "llama-cpp-python", "openvino", "hugging-face", "endpoint"]


def load_model(
    model: str | os.PathLike[str],
    *,
    runtime: RuntimeName = "xllamacpp",
    base_url: str | None = None,
    sampling: Sampling | None = None,
    settings: CallSettings | None = None,
    **options: Any,
) -> LocalModel:
    """A model, ready for calls.

    `model` is the path of a GGUF file, a folder or a name that Hugging Face's library knows, or
    with `base_url` the name under which an OpenAI-compatible server runs it. `options` go to the
    runtime: see LlamaCppRuntime, LlamaCppPythonRuntime, OpenVinoRuntime, HuggingFaceRuntime and
    EndpointRuntime. `sampling` and `settings` hold for each call that does not say otherwise.

    Raises ModelNotFoundError, ModelError for a model that cannot be run here, InputError for
    settings that cannot work, MissingExtraError naming what to install.
    """
    if base_url is not None:
        if runtime not in ("xllamacpp", "endpoint"):
            raise InputError(f"runtime={runtime!r} runs in this process; leave base_url out")
        runtime, options = "endpoint", {"base_url": base_url, **options}
    elif runtime == "endpoint":
        raise InputError("a model behind a server needs its base_url")
    loaded = _runtime_class(runtime)(model, **options)
    return LocalModel(loaded, sampling=sampling, settings=settings)


def _runtime_class(name: str) -> Callable[..., Runtime]:
    """Its class; only what is used is imported."""
    match name:
        case "xllamacpp":
            from ragthrift.local.llama_cpp import LlamaCppRuntime

            return LlamaCppRuntime
        case "llama-cpp-python":
            from ragthrift.local.llama_cpp_python import LlamaCppPythonRuntime

            return LlamaCppPythonRuntime
        case "openvino":
            from ragthrift.local.openvino import OpenVinoRuntime

            return OpenVinoRuntime
        case "hugging-face":
            from ragthrift.local.hugging_face import HuggingFaceRuntime

            return HuggingFaceRuntime
        case "endpoint":
            from ragthrift.local.endpoint import EndpointRuntime

            return EndpointRuntime
    raise InputError(
        f"runtime={name!r} must be xllamacpp, llama-cpp-python, openvino, hugging-face or endpoint"
    )
