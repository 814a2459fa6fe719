"""The cache rules of a LangChain chat model's provider."""

from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding

from ragthrift.ledger.provider_names import provider_id
from ragthrift.provider_cache import CacheRules, rules_for

RulesOf = Callable[[BaseChatModel], CacheRules]
"""How the prompts of a model are cached."""

_known: dict[tuple[str, str], CacheRules] = {}


def rules_of(model: Any) -> CacheRules:
    """By the model's name and its provider's; they are looked up once.

    A binding is looked through. A model of your own needs a name that `genai-prices` knows, or
    rules that you give.
    """
    while isinstance(model, RunnableBinding):
        model = model.bound
    told = model._get_ls_params() if isinstance(model, BaseChatModel) else {}
    name = str(told.get("ls_model_name") or getattr(model, "model_name", None) or "")
    provider = provider_id(str(told.get("ls_provider") or getattr(model, "_llm_type", "")))
    if (name, provider) not in _known:
        _known[name, provider] = rules_for(name, provider)
    return _known[name, provider]
