"""LangChain's own tests of chat models, on a router."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_ragthrift import RouterChatModel, tiers_of
from ragthrift.route import Router
from tests.langchain.route.fakes import pair

WORDS = "The answer stands here, in so many words."


class Routed:
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return RouterChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        models = pair(WORDS, WORDS)
        return {"router": Router(tiers_of(models), on_error="raise"), "models": models}

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "large"


class TestUnit(Routed, ChatModelUnitTests):
    pass


class TestIntegration(Routed, ChatModelIntegrationTests):
    pass


class TestVerifiedIntegration(Routed, ChatModelIntegrationTests):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "verify": True}


class TestHeldIntegration(Routed, ChatModelIntegrationTests):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "hold": "sentence"}
