"""From a SemanticCache of redisvl, with the fields of version 0.28."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragthrift.cache.migrate.records import Imported, Record, ScopeFor, import_records
from ragthrift.cache.semantic_cache import SemanticCache
from ragthrift.errors import InputError, missing_extra
from ragthrift.redis_connection import client_for

_OWN = {"key", "entry_id", "prompt", "response", "inserted_at", "updated_at"}
_GLOB = re.compile(r"([*?\[\]^\\-])")


def from_redisvl(
    client_or_url: object, index_name: str, cache: SemanticCache, *, scope: ScopeFor
) -> Imported:
    """Take over the answers in the hashes of `SemanticCache(name=index_name)`; they are only read.

    The server needs no search module. Vectors, thresholds and lifetimes stay behind: questions are
    embedded again, and this cache's own settings hold. `scope` may be a function of the filterable
    fields and, as `metadata`, of what else was stored with an answer. Without one, answers that
    have filterable fields are skipped: redisvl kept them apart by these.

    Raises `InputError` if there is nothing under that name. Needs the `redis` extra.
    """
    try:
        client: Any = client_for(client_or_url)
    except ImportError as error:
        missing_extra("redis", "redis", error)
    pattern = _GLOB.sub(r"\\\1", index_name) + ":*"
    found = [_hash(client, key) for key in client.scan_iter(match=pattern, count=500, _type="hash")]
    if not found:
        raise InputError(f"there are no hashes under {index_name}:*; is that the cache's name?")
    found.sort(key=lambda each: each.get("updated_at", ""), reverse=True)
    return import_records(_records(found, alone=not callable(scope)), cache, scope)


def _hash(client: Any, key: bytes) -> dict[str, str]:
    found = client.hgetall(key).items()
    texts = ((_text(name), value) for name, value in found)
    return {name: _text(value) for name, value in texts if name != "prompt_vector"}


def _records(found: list[dict[str, str]], *, alone: bool) -> Iterator[Record]:
    for each in found:
        fields: dict[str, object] = {k: v for k, v in each.items() if k not in _OWN}
        metadata = _metadata(str(fields.pop("metadata", "{}")))
        if "prompt" not in each or "response" not in each:
            yield Record("", "", unfit="no prompt and response")
        elif fields and alone:
            names = ", ".join(sorted(fields))
            yield Record("", "", unfit=f"kept apart by {names}: pass scope= as a function of it")
        else:
            yield Record(each["prompt"], each["response"], fields | {"metadata": metadata})


def _metadata(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
