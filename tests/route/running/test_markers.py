"""What is left of a request when it goes to another provider."""

from typing import Any

from ragthrift.route import without_cache_markers

MARKED: dict[str, Any] = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Soup", "cache_control": {"type": "ephemeral"}},
                {"cachePoint": {"type": "default"}},
                {"type": "text", "text": "cache_control"},
            ],
        }
    ],
    "tools": ({"name": "menu", "cache_control": {"type": "ephemeral"}}, {}),
    "prompt_cache_key": "tenant-1",
    "temperature": 0.5,
}


def test_markers_go_and_all_else_stays() -> None:
    assert without_cache_markers(MARKED) == {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Soup"},
                    {"type": "text", "text": "cache_control"},
                ],
            }
        ],
        "tools": ({"name": "menu"}, {}),
        "temperature": 0.5,
    }
    assert MARKED["prompt_cache_key"] == "tenant-1"


def test_what_is_no_json_is_handed_on() -> None:
    thing = object()
    assert without_cache_markers(thing) is thing
    assert without_cache_markers("cache_control") == "cache_control"
