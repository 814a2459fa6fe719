"""What models say they can do: of each as a tier, of all together."""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel

from ragthrift import Price, Tier

_INPUTS = {
    "image_inputs": "image",
    "audio_inputs": "audio",
    "video_inputs": "video",
    "pdf_inputs": "file",
}


def tiers_of(
    models: Mapping[str, BaseChatModel], prices: Mapping[str, Price] | None = None
) -> list[Tier]:
    """A tier for each model, cheap to strong as they stand, with what its profile says it can do.

    A model without a profile is taken to be able to do all but read images and the like.
    `prices` are by the tier's name; the others are looked up by the model's.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> tiers_of({"cheap": FakeListChatModel(responses=["Soup"])})[0].tools
    True
    """
    prices = prices or {}
    return [_tier(name, model, prices.get(name)) for name, model in models.items()]


def _tier(name: str, model: BaseChatModel, price: Price | None) -> Tier:
    known: Mapping[str, Any] = model.profile or {}
    inputs = [kind for key, kind in _INPUTS.items() if known.get(key)]
    return Tier(
        name,
        model_name(model) or name,
        price,
        known.get("max_input_tokens"),
        known.get("tool_calling", True),
        # Without the provider's own, LangChain has a tool called for it.
        bool(known.get("structured_output", True) or known.get("tool_calling", True)),
        ("text", *inputs),
    )


def model_name(model: BaseChatModel) -> str | None:
    """The name that a model's traces have."""
    return model._get_ls_params().get("ls_model_name")


def common_profile(profiles: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """What holds whichever of the models answers: what all can do, the least of their limits.

    >>> common_profile([{"tool_calling": True, "max_input_tokens": 9}, {"tool_calling": False,
    ...     "max_input_tokens": 5, "name": "b"}])
    {'max_input_tokens': 5, 'tool_calling': False}
    """
    known = [profile or {} for profile in profiles]
    shared = set(known[0]).intersection(*known[1:]) if known else set()
    together = {key: _least([profile[key] for profile in known]) for key in sorted(shared)}
    return {key: value for key, value in together.items() if value is not None}


def _least(values: list[Any]) -> Any:
    if all(isinstance(value, bool) for value in values):
        return all(values)
    if all(isinstance(value, int) for value in values):
        return min(values)
    if all(isinstance(value, list) for value in values):
        return [one for one in values[0] if all(one in other for other in values[1:])]
    return None
