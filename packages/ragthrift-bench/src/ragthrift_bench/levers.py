"""The levers that a run tries, by name; those of the project plug in here as they land."""

from collections.abc import Callable, Mapping

from ragthrift.protocols import Compressor, Reranker, Step
from ragthrift_bench.named import OwnFunction, own_function
from ragthrift_bench.rag import Lever, step_lever

KEPT = 3
"""Passages that reranking keeps of those that were retrieved."""
SHARE = 1 / 3
"""Of the tokens that compression keeps."""


def rerank() -> Lever:
    """MiniLM and BM25 order the passages, the best three stay."""
    from ragthrift.embed import minilm
    from ragthrift.rerank import HybridReranker, Keep

    return step_lever(HybridReranker(minilm(), keep=Keep(top_k=KEPT)))


def compress() -> Lever:
    """The sentences that hold evidence stay, a third of the tokens.

    Its encoder is its own: what one configuration has read must not make the next one cheaper.
    """
    from ragthrift.compress import EvidenceReader, Limits, SentencePruner
    from ragthrift.states import StateEncoder
    from ragthrift_models import minilm_tokenizer, state_model

    encoder = StateEncoder(state_model(), minilm_tokenizer())
    return step_lever(SentencePruner(EvidenceReader(encoder), Limits(rate=SHARE)))


LEVERS: Mapping[str, Callable[[], Lever]] = {"rerank": rerank, "compress": compress}
"""In the order in which they act."""


def own_lever(function: OwnFunction) -> Lever:
    """The lever of a function that takes nothing and returns a step."""
    step: Step | Reranker | Compressor = function()
    return step_lever(step)


def find_lever(spec: str) -> tuple[str, str, Callable[[], Lever]]:
    """A lever's name, what says everything about it, and how it is made.

    `spec` is one of `LEVERS`, or `package.module:function` of a function that returns a step.
    """
    if spec in LEVERS:
        return spec, spec, LEVERS[spec]
    function = own_function(spec)
    return function.name, f"{spec} {function.code}", lambda: own_lever(function)
