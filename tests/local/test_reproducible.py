"""The same bits, whatever is in the cache and whoever else is answered."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragthrift.errors import InputError
from ragthrift.local import LocalModel, load_model
from ragthrift.local.gguf import GGUFHeader
from ragthrift.local.quantize import quantize
from ragthrift.local.reproducible import can_reproduce
from ragthrift.types import Message

PLACES = ("the mill", "the harbour", "the school", "the market")
RULES = "The town has rules that everybody keeps. They are written on the wall of {}. "

Bits = tuple[str, tuple[float, ...]]


def prompts() -> list[list[Message]]:
    """Four long ones and four short ones: some are read while others are written."""
    long = [[Message("user", RULES.format(place) * 12 + "What is said?")] for place in PLACES]
    return long + [[Message("user", f"Write a line about {place}.")] for place in PLACES]


def asked(llm: LocalModel, prompt: Sequence[Message], session: str | None = None) -> Bits:
    """The answer, with the log-probability of each of its tokens."""
    given = {} if session is None else {"session": session}
    answer = llm.complete(prompt, max_tokens=16, logprobs=0, **given)  # type: ignore[arg-type]
    return answer.text, tuple(token.logprob for token in answer.logprobs)


def at_once(llm: LocalModel, order: Sequence[int], apart: float = 0.0) -> list[Bits]:
    """All prompts by eight threads on four slots; in the order of the prompts."""
    asking = prompts()

    def later(place: int, number: int) -> tuple[int, Bits]:
        time.sleep(place * apart)
        return number, asked(llm, asking[number])

    with ThreadPoolExecutor(len(order)) as threads:
        found = dict(threads.map(later, range(len(order)), order))
    return [found[number] for number in range(len(asking))]


@pytest.mark.model
def test_answers_do_not_depend_on_the_cache_nor_on_neighbours(smollm2_path: Path) -> None:
    forward = range(len(prompts()))
    with load_model(smollm2_path, n_ctx=512, cache_mib=0, reproducible=True) as llm:
        cold_at_once = at_once(llm, forward)
    with load_model(smollm2_path, n_ctx=512, self_test=False, reproducible=True) as llm:
        in_a_row = [asked(llm, prompt) for prompt in prompts()]
        assert cold_at_once == in_a_row
        assert [asked(llm, prompt) for prompt in prompts()] == in_a_row  # warm
        assert at_once(llm, forward) == in_a_row
        assert at_once(llm, forward[::-1], apart=0.05) == in_a_row  # into each other's prompts
        for prompt in prompts()[::2]:  # pushes half of them out of their slots
            llm.complete([Message("user", "Else. " + prompt[0].content)], max_tokens=2)
        assert at_once(llm, [*forward[1::2], *forward[::2]]) == in_a_row
    assert len({text for text, _ in in_a_row}) > 4


@pytest.mark.model
def test_a_conversation_that_goes_on_is_as_if_read_at_once(smollm2_path: Path) -> None:
    with load_model(smollm2_path, n_ctx=512, slots=2, reproducible=True) as llm:
        talk = prompts()[0]
        first = llm.complete(talk, max_tokens=16)
        talk = [*talk, Message("assistant", first.text), Message("user", "And then?")]
        warm = asked(llm, talk)
    with load_model(smollm2_path, n_ctx=512, slots=2, reproducible=True) as llm:
        assert asked(llm, talk) == warm


@pytest.mark.model
def test_guessing_ahead_changes_no_bit(smollm2_path: Path) -> None:
    copying = [Message("user", f"Repeat: {RULES.format('the mill')}")]
    with load_model(smollm2_path, n_ctx=512, slots=1, self_test=False) as llm:
        plain = llm.complete(copying, max_tokens=40).text
    with load_model(smollm2_path, n_ctx=512, slots=1, speculation="on") as llm:
        assert [llm.complete(copying, max_tokens=40).text for _ in range(2)] == [plain] * 2


@pytest.mark.model
@pytest.mark.parametrize("kind", ["q8_0", "q4_0"])
def test_it_holds_for_other_kinds_of_weights(smollm2_path: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.gguf"
    quantize(smollm2_path, path, kind, from_quantized=True)
    with load_model(path, n_ctx=512, reproducible=True) as llm:
        in_a_row = [asked(llm, prompt) for prompt in prompts()]
        assert at_once(llm, range(len(in_a_row))) == in_a_row


def header(*kinds: int, **metadata: int) -> GGUFHeader:
    said = {name.replace("_of_", "."): value for name, value in metadata.items()}
    return GGUFHeader(3, 1, said, frozenset(kinds))


def test_it_is_promised_only_where_it_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert can_reproduce(None, header(2, 8), {})
    assert can_reproduce(True, header(3), {})
    assert not can_reproduce(False, header(3), {})
    for obstacle, adapters, told in (
        (header(8, 12), {}, "--to q8_0"),  # Q4_K
        (header(1), {}, "kinds"),  # F16
        (header(8), {"law": 1}, "adapters"),
        (header(8, llama_of_expert_count=8), {}, "plain transformers"),
    ):
        assert not can_reproduce(None, obstacle, adapters)
        with pytest.raises(InputError, match=told):
            can_reproduce(True, obstacle, adapters)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(InputError, match="aarch64"):
        can_reproduce(True, header(8), {})
