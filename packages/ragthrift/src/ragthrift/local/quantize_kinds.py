"""Which tensor of a model gets which type, for each kind of quantized file.

The mixes are llama.cpp's, for dense models: tensors that matter more get more bits.
Source: `llama_tensor_get_type` in https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ragthrift.errors import InputError

Mix = Callable[[int, int], str | None]
"""From the number of a layer and of all layers to a type; `None` for that of the other tensors."""

_SUPER_BLOCK, _BLOCK = 256, 32
_WHERE_ROWS_ARE_NO_SUPER_BLOCKS = {
    "Q3_K": "Q4_0",
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
}
_KEPT_AS_THEY_ARE = (
    "_norm.weight",
    "ffn_gate_inp",
    "position_embd",
    "token_types",
    "ssm_conv1d",
    "shortconv.conv",
    "time_mix",
    "attn_rel_b",
    "altup",
    "laurel",
    "per_layer_model_proj",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of quantized file."""

    name: str
    file_type: int
    """llama.cpp's number for it, `general.file_type` in a header."""
    tensor_type: str
    """ggml's name for the type of most tensors."""
    mixes: Mapping[str, Mix] = field(default_factory=dict)
    """Parts of a layer whose type depends on the layer, by the beginning of their name."""


def _more_bits(layer: int, layers: int) -> bool:
    """The first and last eighth, and every third between.

    >>> [layer for layer in range(16) if _more_bits(layer, 16)]
    [0, 1, 4, 7, 10, 13, 14, 15]
    """
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _six_bits_for_some(layer: int, layers: int) -> str | None:
    return "Q6_K" if _more_bits(layer, layers) else None


_MIXES_Q3: dict[str, Mix] = {
    "attn_v": lambda layer, _: "Q5_K" if layer < 2 else "Q4_K",
    "ffn_down": lambda layer, layers: "Q5_K" if layer < layers // 16 else "Q4_K",
    "attn_output": lambda *_: "Q4_K",
    "attn_qkv": lambda *_: "Q4_K",
}
_MIXES_Q4: dict[str, Mix] = {
    "attn_v": _six_bits_for_some,
    "ffn_down": _six_bits_for_some,
    "attn_qkv": lambda *_: "Q5_K",
}
_MIXES_Q5: dict[str, Mix] = {**_MIXES_Q4, "attn_qkv": lambda *_: "Q6_K"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind("f16", 1, "F16"),
        Kind("q8_0", 7, "Q8_0"),
        Kind("q6_k", 18, "Q6_K"),
        Kind("q5_k_m", 17, "Q5_K", _MIXES_Q5),
        Kind("q4_k_m", 15, "Q4_K", _MIXES_Q4),
        Kind("q4_0", 2, "Q4_0"),
        Kind("q3_k_m", 12, "Q3_K", _MIXES_Q3),
    )
}
"""Every kind that `quantize` can write, the best first."""


def kind_of(name: str) -> Kind:
    """The kind of that name, however it is capitalised.

    >>> kind_of("Q8_0").tensor_type
    'Q8_0'
    """
    found = KINDS.get(name.lower())
    if found is None:
        raise InputError(f"there is no kind {name!r}; there are {', '.join(KINDS)}")
    return found


def is_quantized_tensor(name: str, dimensions: int) -> bool:
    """Whether a tensor is a weight matrix; norms, biases and gates stay as they are."""
    matrix = name.endswith("weight") and dimensions > 1
    return matrix and not any(part in name for part in _KEPT_AS_THEY_ARE)


def tensor_type(kind: Kind, name: str, columns: int, layers: int, *, tied: bool) -> str:
    """The type of one weight matrix; `tied` if the embedding is the output matrix, too.

    >>> tensor_type(kind_of("q4_k_m"), "blk.0.attn_v.weight", 2048, 32, tied=False)
    'Q6_K'
    >>> tensor_type(kind_of("q4_k_m"), "blk.0.attn_q.weight", 576, 30, tied=True)
    'Q5_0'
    """
    wanted = _wanted(kind, name, layers, tied=tied)
    if wanted.endswith("_K") and columns % _SUPER_BLOCK:
        wanted = _WHERE_ROWS_ARE_NO_SUPER_BLOCKS[wanted]
    return "F16" if columns % _BLOCK else wanted


def _wanted(kind: Kind, name: str, layers: int, *, tied: bool) -> str:
    if kind.tensor_type in ("F16", "Q8_0"):
        return kind.tensor_type
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return "Q6_K"
    match name.split("."):
        case ["blk", layer, part, *_] if layer.isdecimal():
            for beginning, mix in kind.mixes.items():
                if part.startswith(beginning):
                    return mix(int(layer), layers) or kind.tensor_type
    return kind.tensor_type
