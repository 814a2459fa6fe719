"""A selector of query engines, for LlamaIndex's `RouterQueryEngine`, that calls no model."""

import asyncio
from collections.abc import Sequence

from llama_index.core.base.base_selector import BaseSelector, SelectorResult, SingleSelection
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.schema import QueryBundle
from llama_index.core.tools.types import ToolMetadata

from ragthrift import InputError, Message
from ragthrift.route import Call, Router


class RouterSelector(BaseSelector):
    """Selects the choice that is named as the tier that a router chooses.

    >>> from ragthrift import Price, Tier
    >>> tiers = [Tier("cheap", "small", Price(0.1, 0.4)), Tier("strong", "large", Price(3, 15))]
    >>> RouterSelector(Router(tiers)).select(["strong", "cheap"], "When does it open?").ind
    1

    A choice's name is a tool's name, or a plain string. Of tiers that are not offered, none is
    selected: the best of the others is.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    def _select(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        names = [choice.name or choice.description for choice in choices]
        offered = {tier.name for tier in self._router.tiers} & set(names)
        if not offered:
            tiers = [tier.name for tier in self._router.tiers]
            raise InputError(f"none of {names} is a tier; name the tools after the tiers {tiers}")
        decision = self._router.choose(Call([Message("user", query.query_str)]))
        worth = {name: score for name, score in decision.scores if name in offered}
        chosen = decision.tier.name
        if chosen not in offered:
            chosen = max(worth or dict.fromkeys(offered, 0.0), key=lambda name: worth.get(name, 0))
        selection = SingleSelection(index=names.index(chosen), reason=decision.reason)
        return SelectorResult(selections=[selection])

    async def _aselect(self, choices: Sequence[ToolMetadata], query: QueryBundle) -> SelectorResult:
        return await asyncio.to_thread(self._select, choices, query)

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        """There are none."""
