"""Which models answer in the same bits, whatever is cached and whoever else is answered.

llama.cpp multiplies by a matrix in one order for a single token and in another for several, so that
an answer depends on how much of its prompt was in the cache. For some kinds of weights both orders
give the same bits: found by multiplying by one column and by 2 to 40, with xllamacpp 2026.10.
"""

import platform
from collections.abc import Mapping

from ragthrift.errors import InputError
from ragthrift.local.gguf import GGUFHeader

_EXACT = {2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0"}
"""ggml's numbers of the kinds whose products are the same; K-quants, F16 and F32 are not."""
_PROVEN_ON = ("x86_64", "AMD64")


def can_reproduce(wanted: bool | None, header: GGUFHeader, adapters: Mapping[str, object]) -> bool:
    """What was wanted, and for `None` whether it can be had; InputError where it cannot."""
    if wanted is False:
        return False
    obstacle = _obstacle(header, adapters)
    if wanted and obstacle is not None:
        raise InputError(f"reproducible=True cannot be had: {obstacle}; leave it out")
    return obstacle is None


def _obstacle(header: GGUFHeader, adapters: Mapping[str, object]) -> str | None:
    if platform.machine() not in _PROVEN_ON:
        return f"it is proven on {_PROVEN_ON[0]} alone, this is {platform.machine()}"
    if adapters:
        return "products with LoRA adapters are rounded by how many tokens are read at once"
    if not header.matrix_kinds or header.matrix_kinds - _EXACT.keys():
        return (
            "the weights are of kinds whose products depend on how many tokens are read at once; "
            f"{', '.join(_EXACT.values())} do not: ragthrift local quantize --to q8_0"
        )
    recurrent = (".ssm.", ".wkv.", ".expert_count")
    if any(part in key for key in header.metadata for part in recurrent):
        return "it is proven for plain transformers alone"
    return None
