"""A JSON schema, checked before the model sees it, and the answer checked against it.

Runtimes leave out keywords that they do not know, llama.cpp on one of its routes even a whole
schema, and say nothing: so an answer is proven by the `jsonschema` package, not trusted.
"""

import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from ragthrift.errors import InputError, ModelError, missing_extra
from ragthrift.types import Completion

Schema = Mapping[str, object]


def check_schema(schema: Schema) -> None:
    """Refuse with InputError what is not a JSON schema of draft 2020-12.

    References must stay inside the schema: nothing is fetched.

    >>> check_schema({"type": "object", "properties": {"city": {"type": "string"}}})
    >>> check_schema({"type": "nonsense"})
    Traceback (most recent call last):
    ragthrift.errors.InputError: not a JSON schema: 'nonsense' is not valid at type
    """
    if not isinstance(schema, Mapping):
        raise InputError(f"a JSON schema is an object, not {schema!r}")
    jsonschema = _import_jsonschema()
    validator = jsonschema.Draft202012Validator
    plain = plain_schema(schema)
    try:
        validator.check_schema(plain, format_checker=validator.FORMAT_CHECKER)
    except jsonschema.SchemaError as error:
        what = error.message.split(" under any")[0]
        raise InputError(f"not a JSON schema: {_shorter(what)} at {_place(error)}") from error
    _check_references(plain)


def fault_of(schema: Schema, text: str) -> str | None:
    """What keeps a text from fitting the schema; `None` if it fits.

    >>> fault_of({"type": "integer"}, "12"), fault_of({"type": "integer"}, '"x"')
    (None, "'x' is not of type 'integer'")
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        return f"it is not JSON: {error}"
    return misfit(schema, found)


def misfit(schema: Schema, found: object) -> str | None:
    """The same for a value that was read already."""
    jsonschema = _import_jsonschema()
    from referencing import Registry

    # An empty registry: the default one would fetch a reference from the network.
    registry: Registry[Any] = Registry()
    validator = jsonschema.Draft202012Validator(plain_schema(schema), registry=registry)
    error = next(validator.iter_errors(found), None)
    return None if error is None else str(error.message)


def checked_answer(
    answer: Generator[str, None, Completion], schema: Schema
) -> Generator[str, None, Completion]:
    """The same pieces; ModelError at the end if a finished answer does not fit."""
    completion = yield from answer
    if completion.finish_reason == "stop":
        fault = fault_of(schema, completion.text)
        if fault is not None:
            raise ModelError(
                f"{completion.model} wrote an answer that does not fit the schema ({fault}): "
                "a runtime does not enforce every keyword, and a stop text may cut it; "
                "simplify the schema"
            )
    return completion


def _check_references(schema: Schema) -> None:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource("", resource).resolver()
    for reference in _references(schema):
        try:
            if not reference.startswith("#"):
                raise InputError(f"the schema refers to {reference!r}, outside of itself")
            resolver.lookup(reference)
        except Unresolvable as error:
            raise InputError(f"the schema refers to {reference!r}, which it has not") from error


def _references(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        found = part.get("$ref")
        if isinstance(found, str):
            yield found
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _references(value)


def plain_schema(schema: Schema) -> Any:
    """Of dicts and lists alone, as libraries want it; InputError if it cannot be."""
    try:
        return json.loads(json.dumps(schema, default=_as_dict))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the schema cannot be written as JSON: {error}") from error


def _as_dict(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of a JSON schema")


def _shorter(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _place(error: Any) -> str:
    return "/".join(str(step) for step in error.absolute_path) or "its root"


def _import_jsonschema() -> Any:
    try:
        import jsonschema
    except ImportError as error:
        missing_extra("local", "jsonschema", error)
    return jsonschema
