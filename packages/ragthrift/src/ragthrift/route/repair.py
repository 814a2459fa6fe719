"""An answer that does not fit goes back to its tier, with the complaint."""

from collections.abc import Sequence
from dataclasses import replace

from ragthrift.route.call import Attempt, Call, Finding
from ragthrift.types import Message


def repaired(call: Call, attempt: Attempt, findings: Sequence[Finding]) -> Call:
    """The call with the failed answer and what is wrong with it as further turns.

    >>> wrong = Finding("schema", "not JSON", "repair")
    >>> [turn.role for turn in repaired(Call([]), Attempt("Soup"), [wrong]).added]
    ['assistant', 'user']
    """
    complaint = "; ".join(finding.detail for finding in findings)
    said = Message("assistant", attempt.text, tool_calls=attempt.tool_calls)
    text = f"That does not fit: {complaint}. Answer again, whole and corrected."
    asked = [Message("tool", text, tool_call_id=one.id) for one in attempt.tool_calls]
    added = (said, *(asked or [Message("user", text)]))
    return replace(call, messages=(*call.messages, *added), added=(*call.added, *added))
