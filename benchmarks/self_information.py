"""How much each sentence tells a language model that did not expect it.

Selective Context (Li et al., 2023) drops what a causal model predicts anyway. Here the model is
SmolLM2-135M by PyTorch, from the GGUF of the tests; transformers needs the `gguf` package for that.
"""

from functools import cache
from typing import Any

from ragthrift.compress import units
from ragthrift.local import smollm2_135m

MAX_TOKENS = 2048


@cache
def surprisals(text: str) -> tuple[float, ...]:
    """The mean of -ln p over the tokens of each unit, in its order; the first token has none."""
    import torch

    tokenizer, model = _model()
    encoded = tokenizer(
        text,
        return_tensors="pt",
        return_offsets_mapping=True,
        truncation=True,
        max_length=MAX_TOKENS,
    )
    ids = encoded["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, :-1]
    told = -torch.log_softmax(logits, -1).gather(1, ids[0, 1:, None])[:, 0]
    starts = encoded["offset_mapping"][0, 1:, 0]
    inside = [told[(starts >= unit.start) & (starts < unit.end)] for unit in units(text)]
    return tuple(float(values.mean()) if len(values) else 0.0 for values in inside)


@cache
def _model() -> tuple[Any, Any]:
    import gguf  # noqa: F401 - transformers says less clearly that it is missing
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = smollm2_135m()
    named = {"gguf_file": path.name}
    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), **named)
    model: Any = AutoModelForCausalLM.from_pretrained(str(path.parent), **named)
    return tokenizer, model.eval()
