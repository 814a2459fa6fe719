"""What llama.cpp is started with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ragthrift.local.speculation import Speculation, set_speculation

_BATCH = 512
"""Tokens of a prompt that are read in one step."""
Pooling = Literal["mean", "last", "cls"]
"""How the vectors of a text's tokens become one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How much of the machine a model may use, and what it is loaded with."""

    n_ctx: int
    """Context window in tokens, of each slot."""
    threads: int
    cache_mib: int = 0
    """Memory in MiB for prompt prefixes that are in no slot at the moment."""
    slots: int = 1
    chat_template: str | None = None
    """Jinja, in place of the file's own."""
    adapters: Mapping[str, Path] = field(default_factory=dict)
    prefix_folder: Path | None = None
    """Where slots may be saved."""
    speculation: Speculation = "off"
    draft: Path | None = None
    pooling: Pooling | None = None
    """Load it for embeddings."""
    reproducible: bool = False
    """Attend to each token in the same steps, however many are read at once."""

    def other_causes(self) -> str:
        """What else may have kept the model from loading."""
        named = {
            "the adapters may belong to another model": self.adapters,
            "the chat_template may not be Jinja": self.chat_template,
            "the draft may have another vocabulary": self.draft,
        }
        return "".join(f"; {cause}" for cause, given in named.items() if given)


def parameters_for(xllamacpp: Any, model_path: Path, options: ServerOptions) -> Any:
    """llama.cpp's own parameters."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_path)
    parameters.n_ctx = options.n_ctx * options.slots  # it divides the window among the slots
    parameters.n_parallel = options.slots
    parameters.cpuparams.n_threads = options.threads
    parameters.cache_ram_mib = options.cache_mib
    # Smaller ones end a cancelled call sooner, but llama.cpp was seen to hang with 64.
    parameters.n_batch = max(_BATCH, options.slots)
    parameters.n_ubatch = _BATCH
    parameters.verbosity = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    # One cache for all slots would have calls at the same time change each other's rounding.
    parameters.kv_unified = False
    _set_attention(xllamacpp, parameters, reproducible=options.reproducible)
    if options.chat_template is not None:
        parameters.chat_template = options.chat_template
    if options.prefix_folder is not None:
        parameters.slot_save_path = f"{options.prefix_folder}/"
    parameters.lora_adapters = [
        xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in options.adapters.values()
    ]
    if options.pooling is not None:
        _embed(xllamacpp, parameters, options)
    set_speculation(xllamacpp, parameters, options.speculation, options.draft, options.threads)
    return parameters


def _set_attention(xllamacpp: Any, parameters: Any, *, reproducible: bool) -> None:
    kinds = xllamacpp.llama_flash_attn_type
    if not reproducible:
        parameters.flash_attn_type = kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return
    # llama.cpp multiplies matrices of one column and of several in different orders, and flash
    # attention has a path for each, too, but not for values in bfloat16: those take one path.
    parameters.flash_attn_type = kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED
    parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_BF16


def _embed(xllamacpp: Any, parameters: Any, options: ServerOptions) -> None:
    parameters.embedding = True
    kind = f"LLAMA_POOLING_TYPE_{str(options.pooling).upper()}"
    parameters.pooling_type = getattr(xllamacpp.llama_pooling_type, kind)
    # A text is embedded in one step or not at all.
    parameters.n_batch = parameters.n_ubatch = options.n_ctx
