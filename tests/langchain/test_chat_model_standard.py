"""LangChain's own tests of chat models."""

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_ragthrift import ChatLocal
from tests.langchain.fakes import EchoLLM, StreamingLLM


class Local:
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatLocal

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"llm": EchoLLM(), "model_name": "echo"}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False

    @property
    def supports_model_override(self) -> bool:
        return False


class TestUnit(Local, ChatModelUnitTests):
    pass


class TestIntegration(Local, ChatModelIntegrationTests):
    pass


class TestStreamingIntegration(Local, ChatModelIntegrationTests):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"llm": StreamingLLM(), "model_name": "echo"}
