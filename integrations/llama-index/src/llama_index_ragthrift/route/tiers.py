"""What LLMs say they can do, each as a tier."""

from collections.abc import Mapping

from llama_index.core.llms import LLM

from ragthrift import Price, Tier


def tiers_of(llms: Mapping[str, LLM], prices: Mapping[str, Price] | None = None) -> list[Tier]:
    """A tier for each LLM, cheap to strong as they stand, with what its metadata says.

    `prices` are by the tier's name; the others are looked up by the model's.

    >>> from llama_index.core.llms import MockLLM
    >>> [tier] = tiers_of({"cheap": MockLLM()}, {"cheap": Price(0.1, 0.4)})
    >>> tier.context_tokens, tier.tools, tier.structured_output
    (3900, False, True)

    LlamaIndex makes an object of any LLM's text. It does not say which LLMs read images: replace
    the tier's `modalities` where one does.
    """
    known = prices or {}
    return [_tier(name, llm, known.get(name)) for name, llm in llms.items()]


def _tier(name: str, llm: LLM, price: Price | None) -> Tier:
    said = llm.metadata
    model = said.model_name if said.model_name != "unknown" else name
    return Tier(name, model, price, said.context_window, said.is_function_calling_model)
