"""What an agent's `response_format` asks of a model's answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy


def _specs(response_format: Any) -> Iterator[Any]:
    """The schemas of a response format; a union has several."""
    if isinstance(response_format, ToolStrategy):
        yield from response_format.schema_specs
    elif isinstance(response_format, ProviderStrategy):
        yield response_format.schema_spec
    elif response_format is not None:
        schema = response_format
        yield from ToolStrategy(
            schema.schema if isinstance(schema, AutoStrategy) else schema
        ).schema_specs


def answer_tools(response_format: Any) -> dict[str, Mapping[str, object]]:
    """The tools by which a model may give a structured answer."""
    if isinstance(response_format, ProviderStrategy):
        return {}
    return {spec.name: spec.json_schema for spec in _specs(response_format)}


def answer_schema(response_format: Any) -> dict[str, Any] | None:
    """What a structured answer fits."""
    schemas = [spec.json_schema for spec in _specs(response_format)]
    if not schemas:
        return None
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
