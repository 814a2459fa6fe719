from collections.abc import Generator

import pytest

from ragthrift.errors import ModelError
from ragthrift.local.answer import read_answer
from ragthrift.local.server import Reply
from ragthrift.types import Completion
from ragthrift.usage import Usage

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "prompt_tokens_details": {"cached_tokens": 5},
}
TEXT_CALL: list[Reply] = [
    {"choices": [{"text": "Hel", "finish_reason": None}]},
    {"choices": [{"text": "lo", "finish_reason": None}]},
    {"choices": [{"text": "", "finish_reason": "length"}], "usage": USAGE},
]
CHAT_CALL: list[Reply] = [
    {"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]},
    {"choices": [{"delta": {"content": "Hel"}, "finish_reason": None}]},
    {"choices": [{"delta": {"content": "lo"}, "finish_reason": None}]},
    {"choices": [{"delta": {}, "finish_reason": "length"}]},
    {"choices": [], "usage": USAGE},
]


def replay(chunks: list[Reply]) -> Generator[Reply, None, None]:
    yield from chunks


def drain(answer: Generator[str, None, Completion]) -> tuple[list[str], Completion]:
    pieces = []
    while True:
        try:
            pieces.append(next(answer))
        except StopIteration as end:
            return pieces, end.value


@pytest.mark.parametrize("chunks", [TEXT_CALL, CHAT_CALL])
def test_both_calls_give_pieces_and_one_completion(chunks: list[Reply]) -> None:
    pieces, completion = drain(read_answer(replay(chunks), "tiny"))
    assert pieces == ["Hel", "lo"]
    assert completion == Completion("Hello", Usage(9, 4, cache_read_tokens=5), "tiny", "length")


@pytest.mark.parametrize("chunks", [[], TEXT_CALL[:-1], CHAT_CALL[:-1]])
def test_an_answer_without_its_end_is_an_error(chunks: list[Reply]) -> None:
    with pytest.raises(ModelError, match="broke off"):
        drain(read_answer(replay(chunks), "tiny"))


def test_closing_the_answer_closes_its_chunks() -> None:
    chunks = replay(TEXT_CALL)
    answer = read_answer(chunks, "tiny")
    next(answer)
    answer.close()
    assert next(chunks, None) is None
