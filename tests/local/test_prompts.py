from ragthrift.local import plain_text
from ragthrift.types import Message


def test_contents_are_joined_without_roles() -> None:
    messages = [
        Message("system", "Q: one?\nA: 1"),
        Message("tool", "a fact", tool_call_id="t1"),
        Message("user", "Q: two?\nA:"),
    ]
    assert plain_text(messages) == "Q: one?\nA: 1\n\na fact\n\nQ: two?\nA:"
    assert plain_text([]) == ""
