"""What broken answers cost, and whether they are read rightly: `python -m benchmarks.output`.

Of the answers in `breakages`, `mended` is the share of those whose meaning is clear that came back
as meant, `wrong` the number of objects that say something else, or come of an answer that says
nothing sure (cut off, two objects, a missing value). `repair_tokens` are those of the repair calls,
whose answers are scripted, alike for all; asking the whole prompt again would take `resent_tokens`.
`tampered` are repair calls that change, drop or invent something, and how many are believed.

With `--local` a small model is asked for JSON about the demo handbook: benchmarks/output_local.py.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.local_tasks import handbook
from benchmarks.output_local import asked_for_json
from benchmarks.output_peers import READERS, Case, Read, ours_with_a_call
from benchmarks.output_schemas import SCHEMAS
from benchmarks.shared import existing, finish, parser, say, share
from ragthrift.prompt.output import Repair
from ragthrift.tokens import EstimatedTokens

_PASSAGES = 10


def cases(path: Path) -> list[Case]:
    """One for each line."""
    read = map(json.loads, path.read_text().splitlines())
    return [
        Case(one["kind"], SCHEMAS[one["schema"]], one["answer"], one["finish"], one["truth"],
             one["repair"])
        for one in read
    ]  # fmt: skip


def same(case: Case, value: Any) -> bool:
    """Whether an object is what the answer says, fields that were left out at their default."""
    if value is None or case.truth is None:
        return value is None and case.truth is None
    meant = case.shape.model_validate(case.truth).model_dump()
    return json.dumps(value, sort_keys=True) == json.dumps(meant, sort_keys=True)


def judged(found: Sequence[tuple[Case, Read]]) -> dict[str, Any]:
    """Shares, calls and tokens of one reader."""
    clear = [(case, read) for case, read in found if case.truth is not None]
    right = sum(same(case, read.value) for case, read in clear)
    wrong = [case.kind for case, read in found if read.value and not same(case, read.value)]
    return {
        "mended": share(right, len(clear)),
        "wrong": len(wrong),
        "wrong_kinds": dict(Counter(wrong)),
        "repair_calls": sum(read.calls for _, read in found),
        "repair_tokens": sum(read.tokens for _, read in found),
    }


def tampered(value: Any) -> Iterator[Any]:
    """A value with one thing changed, dropped or invented, in each place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in tampered(inner))
    elif isinstance(value, list):
        yield [*value, "invented"]
        for at, inner in enumerate(value):
            yield [*value[:at], *value[at + 1 :]]
            yield from ([*value[:at], other, *value[at + 1 :]] for other in tampered(inner))
    elif isinstance(value, str):
        yield from (f"{value} indeed", "invented", value.rpartition(" ")[0] or "other")
    elif isinstance(value, bool):
        yield not value
    elif value is not None:
        yield value + 1


def believed(found: Sequence[Case]) -> dict[str, int]:
    """Repair calls that lie, for each answer that takes a call."""
    tried = fooled = 0
    for case in found:
        for other in tampered(case.truth) if case.truth else ():
            lying = Case(case.kind, case.shape, case.answer, case.finish, other, json.dumps(other))
            read = ours_with_a_call(lying)
            tried += read.calls
            fooled += bool(read.calls and read.value is not None)
    return {"tried": tried, "believed": fooled}


def resent(found: Sequence[tuple[Case, Read]]) -> int:
    """Tokens of asking anew, with the documents, for each answer that took a call."""
    count = EstimatedTokens().count
    prompt = sum(map(count, handbook()[:_PASSAGES]))
    return sum(
        prompt + count(Repair(case.shape).schema.text) + count(case.answer)
        for case, read in found
        if read.calls
    )


def main() -> None:
    """Run the command."""
    arguments = parser(__doc__ or "")
    default = Path(__file__).parent / "breakages" / "answers.jsonl"
    arguments.add_argument("--answers", type=existing, default=default)
    arguments.add_argument("--local", action="store_true", help="ask the models of this machine")
    chosen = arguments.parse_args()
    found = cases(chosen.answers)[: chosen.limit or None]
    result: dict[str, Any] = {"answers": len(found), "kinds": len({one.kind for one in found})}
    for name, reader in READERS.items():
        try:
            read = [(case, reader(case)) for case in found]
        except ImportError as error:
            result[name] = f"skipped: {error}"
            continue
        result[name] = judged(read)
        if name == "ours, with a call":
            result[name]["resent_tokens"] = resent(read)
        say(chosen.json, f"{name}: {json.dumps(result[name])}")
    result["tampered"] = believed(found)
    if chosen.local:
        result["smollm2_135m"] = asked_for_json(chosen.limit)
    finish(result)


if __name__ == "__main__":
    main()
