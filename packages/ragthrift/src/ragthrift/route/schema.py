"""Whether JSON text fits a schema."""

import json
import re
from collections.abc import Mapping

_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?```\s*$", re.DOTALL | re.IGNORECASE)
_TYPES: dict[object, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def misfit(text: str, schema: Mapping[str, object]) -> str | None:
    """What is wrong with a text, or `None`; a fence of code around it is allowed.

    The whole schema is checked where `jsonschema` is installed; else that the text is JSON, that
    required fields are there, and the types of fields.

    >>> misfit('{"soup": 3}', {"type": "object", "required": ["soup"]}) is None
    True
    >>> misfit('{"soup":', {})
    'not JSON: Expecting value at character 8'
    """
    fenced = _FENCE.match(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except ValueError as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        return f"not JSON: {getattr(error, 'msg', error)}{place}"
    try:
        from jsonschema.validators import validator_for
    except ImportError:
        return _roughly(value, schema)
    found = validator_for(schema)(schema).iter_errors(value)
    first = min(found, key=lambda one: list(map(str, one.path)), default=None)
    return None if first is None else f"{first.json_path}: {first.message}"


def _roughly(value: object, schema: Mapping[str, object]) -> str | None:
    if not _has_type(value, schema):
        return f"$: is no {schema['type']}"
    fields, required = schema.get("properties", {}), schema.get("required", ())
    if not isinstance(value, dict) or not isinstance(fields, Mapping):
        return None
    if isinstance(required, (list, tuple)):
        for name in required:
            if name not in value:
                return f"$: {name!r} is a required property"
    for name, wanted in fields.items():
        if name in value and isinstance(wanted, Mapping) and not _has_type(value[name], wanted):
            return f"$.{name}: is no {wanted['type']}"
    return None


def _has_type(value: object, schema: Mapping[str, object]) -> bool:
    kind = _TYPES.get(schema.get("type")) if isinstance(schema.get("type"), str) else None
    if kind is None or (isinstance(value, bool) and kind is not bool):
        return kind is None
    return isinstance(value, kind)
