"""The shape that an answer must have."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ragthrift.errors import InputError, missing_extra

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a value."""

_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_NAMES = ("properties", "patternProperties", "$defs", "definitions")
_VALUES = ("enum", "const", "default", "examples")
_WORDS = {"true": ("boolean", True), "false": ("boolean", False), "null": ("null", None)}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a value does not fit, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        at = "".join(f"[{part!r}]" for part in self.path)
        return f"{at or 'the answer'}: {self.reason}"


@dataclass(frozen=True)
class Schema:
    """A JSON schema, or a pydantic class and its own.

    >>> Schema.of({"type": "object", "required": ["a"]}).misfits({})[0].reason
    "'a' is a required property"
    """

    json: Mapping[str, Any] = field(hash=False)
    model: Any = None
    """The pydantic class; `None` gives the value as it is."""

    @classmethod
    def of(cls, schema: "Mapping[str, Any] | type | Schema") -> "Schema":
        """From what the frameworks take."""
        if isinstance(schema, Schema):
            return schema
        if isinstance(schema, Mapping):
            return cls(schema)
        if hasattr(schema, "model_json_schema"):
            return cls(schema.model_json_schema(), schema)
        raise InputError(f"{schema!r} is neither a JSON schema nor a class of pydantic's")

    @cached_property
    def text(self) -> str:
        """For a prompt's stable prefix: the same bytes in every process, without titles."""
        lean = _untitled(self.json)
        return json.dumps(lean, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def roots(self) -> str:
        """The brackets that an answer can begin with."""
        return {"object": "{", "array": "["}.get(str(self.json.get("type")), "{[")

    @cached_property
    def _validator(self) -> "Validator":
        try:
            from jsonschema import SchemaError
            from jsonschema.validators import validator_for
        except ImportError as error:
            missing_extra("structured", "jsonschema", error)
        kind = validator_for(self.json)
        try:
            kind.check_schema(dict(self.json))
        except SchemaError as error:
            raise InputError(f"the schema is none: {error.message}") from error
        return kind(dict(self.json))

    def misfits(self, value: Any) -> list[Misfit]:
        """What is wrong with a value, by the schema and then by the class's own validators."""
        found = sorted(self._validator.iter_errors(value), key=lambda error: error.json_path)
        if found or self.model is None:
            return [Misfit(tuple(error.absolute_path), error.message) for error in found]
        from pydantic import ValidationError

        try:
            self.model.model_validate(value)
        except ValidationError as error:
            return [Misfit(tuple(one["loc"]), one["msg"]) for one in error.errors()]
        return []

    def load(self, value: Any) -> Any:
        """A value that fits, as what the caller asked for."""
        return value if self.model is None else self.model.model_validate(value)

    def coerced(self, value: Any) -> Any:
        """A copy with the right types where only the type is wrong and nothing is lost.

        >>> Schema.of({"properties": {"n": {"type": "integer"}}}).coerced({"n": "42"})
        {'n': 42}
        """
        made = json.loads(json.dumps(value))
        for error in list(self._validator.iter_errors(made)):
            at = tuple(error.absolute_path)
            for wanted in _types(error.schema):
                same = _as_type(error.instance, wanted)
                if same is not None or (wanted == "null" and error.instance == "null"):
                    made = _with(made, at, same)
                    break
        return made


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names; a property may have that name, too."""
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    lean: dict[str, Any] = {}
    for key, inner in schema.items():
        if key in _NAMES and isinstance(inner, Mapping):
            lean[key] = {name: _untitled(one) for name, one in inner.items()}
        elif key in _VALUES:
            lean[key] = inner
        elif key != "title":
            lean[key] = _untitled(inner)
    return lean


def _types(schema: Any) -> Iterator[str]:
    """The types that a schema, or one of its alternatives, asks for."""
    if isinstance(schema, Mapping):
        told = schema.get("type", ())
        yield from [told] if isinstance(told, str) else told
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _types(choice)


def _as_type(value: Any, wanted: str) -> Any:
    """The same value in another type; `None` where something would change."""
    if isinstance(value, int) and not isinstance(value, bool) and wanted == "string":
        return str(value)
    if not isinstance(value, str):
        return None
    word = value.strip()
    if wanted == "integer" and _INTEGER.fullmatch(word):
        return int(word)
    if wanted == "number" and _NUMBER.fullmatch(word):
        return json.loads(word)
    kind, meant = _WORDS.get(word.lower(), ("", None))
    return meant if kind == wanted else None


def _with(value: Any, path: Path, leaf: Any) -> Any:
    if not path:
        return leaf
    at: Any = value
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = leaf
    return value
