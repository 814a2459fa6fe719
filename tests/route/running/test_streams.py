"""Answers in pieces: who gives them, when another takes over, and what is billed."""

from collections.abc import Iterator

import pytest

from ragthrift import InputError, Tier, ToolCall, Usage
from ragthrift.route import Attempt, Call, Piece, Routed, Router
from ragthrift.testing.samples import PASSAGES
from tests.route.running.fakes import (
    ALIKE,
    CHEAP,
    STRONG,
    TWO,
    Gains,
    Providers,
    StatusError,
    Streams,
    asking,
)

END = Attempt("", Usage(100, 10))
CUT = ConnectionResetError("the line was cut")


class Read:
    """A stream read to its end."""

    def __init__(self, router: Router, streams: Streams, call: Call, **how: object) -> None:
        self.pieces: list[Piece] = []
        generator = router.stream(call, streams, **how)  # type: ignore[arg-type]
        while True:
            try:
                self.pieces.append(next(generator))
            except StopIteration as stop:
                self.routed: Routed = stop.value
                return

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def read(router: Router, streams: Streams, call: Call | None = None, **how: object) -> Read:
    return Read(router, streams, call or asking(), **how)


def test_pieces_come_as_they_are_and_the_end_is_billed() -> None:
    raw = object()
    streams = Streams(cheap=[Piece("At ", raw), "", "nine.", END])
    got = read(Router(TWO, model=ALIKE), streams)
    assert got.pieces == [Piece("At ", raw), Piece(""), Piece("nine.")]
    assert got.pieces[0].raw is raw
    assert got.routed.answer == Attempt("At nine.", Usage(100, 10))
    assert got.routed.tier == CHEAP
    assert got.routed.attempts[0].text == "At nine."
    assert streams.closed == ["cheap"]


def test_the_first_piece_leaves_before_the_second_is_made() -> None:
    made = []

    def slowly(tier: Tier, call: Call) -> Iterator[Piece | Attempt]:
        for text in ("At ", "nine."):
            made.append(text)
            yield Piece(text)

    generator = Router(TWO, model=ALIKE).stream(asking(), slowly)
    assert next(generator) == Piece("At ")
    assert made == ["At "]
    generator.close()


def test_a_stream_that_fails_before_its_first_piece_is_replaced() -> None:
    streams = Streams(cheap=["", StatusError(529)], strong=["At nine.", END])
    got = read(Router(TWO, model=ALIKE), streams)
    assert got.text == "At nine."
    assert got.routed.tier == STRONG
    assert [(a.purpose, a.fault) for a in got.routed.attempts] == [
        ("answer", "server"),
        ("fallback", None),
    ]


def test_a_stream_that_is_cut_later_is_raised_with_what_was_said() -> None:
    runs: list[Routed] = []
    streams = Streams(cheap=["At ", "ni", CUT], strong=["no"])
    generator = Router(TWO, model=ALIKE, on_run=runs.append).stream(asking(), streams)
    assert [next(generator).text, next(generator).text] == ["At ", "ni"]
    with pytest.raises(ConnectionResetError) as caught:
        next(generator)
    assert caught.value is CUT
    assert caught.value.__notes__ == ["the stream was cut after 'At ni'"]
    assert streams.asked == ["cheap"]
    (record,) = runs[0].attempts
    assert (record.text, record.fault, record.estimated) == ("At ni", "connection", True)
    assert record.usage is not None
    assert record.usage.output_tokens == 2
    assert runs[0].error is CUT


def test_a_reader_who_leaves_is_billed_what_was_said() -> None:
    runs: list[Routed] = []
    streams = Streams(cheap=["At ", "nine", " sharp."])
    generator = Router(TWO, model=ALIKE, on_run=runs.append).stream(asking(), streams)
    next(generator)
    generator.close()
    assert runs[0].attempts[0].text == "At "
    assert runs[0].attempts[0].estimated
    assert streams.closed == ["cheap"]


class Chunks:
    """An iterator that must be told to stop, such as that of an HTTP response."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[Piece | Attempt]:
        return self

    def __next__(self) -> Piece:
        return Piece("soup ")

    def close(self) -> None:
        self.closed += 1


def test_the_provider_is_told_to_stop() -> None:
    chunks = Chunks()
    generator = Router(TWO, model=ALIKE).stream(asking(), lambda tier, call: chunks)
    next(generator)
    assert chunks.closed == 0
    generator.close()
    assert chunks.closed == 1


def test_when_all_streams_fail_the_last_error_is_raised() -> None:
    streams = Streams(cheap=[StatusError(429)], strong=[StatusError(500, "broken")])
    with pytest.raises(StatusError, match="broken"):
        read(Router(TWO, model=ALIKE), streams)


def test_a_held_sentence_that_declines_is_replaced_by_a_dearer_one() -> None:
    streams = Streams(
        cheap=["I'm sorry, ", "I can't help with that. ", "Anything else?", END],
        strong=["At ", "nine. ", "Sharp.", END],
    )
    got = read(Router(TWO, model=ALIKE), streams, hold="sentence")
    assert got.text == "At nine. Sharp."
    assert got.routed.tier == STRONG
    first, second = got.routed.attempts
    assert (first.findings, first.estimated, first.purpose) == (("declined",), True, "answer")
    assert first.text == "I'm sorry, I can't help with that. "
    assert second.purpose == "escalation"
    assert got.routed.escalated
    assert streams.closed == ["cheap", "strong"]


def test_without_hold_a_refusal_leaves_as_it_comes() -> None:
    streams = Streams(cheap=["I'm sorry, ", "I can't help with that."], strong=["no"])
    got = read(Router(TWO, model=ALIKE), streams)
    assert streams.asked == ["cheap"]
    assert [finding.check for finding in got.routed.findings] == ["declined"]


def test_a_good_held_sentence_leaves_and_the_rest_follows_piece_by_piece() -> None:
    streams = Streams(cheap=["At ", "nine. ", "Not ", "ten.", END])
    generator = Router(TWO, model=ALIKE).stream(asking(), streams, hold="sentence")
    assert [piece.text for piece in generator] == ["At ", "nine. ", "Not ", "ten."]


def test_a_held_sentence_that_is_cut_is_replaced() -> None:
    streams = Streams(cheap=["At ", CUT], strong=["At nine.", END])
    got = read(Router(TWO, model=ALIKE), streams, hold="sentence")
    assert got.text == "At nine."
    assert got.routed.attempts[0].text == "At "


def test_a_held_refusal_leaves_when_the_dearer_tier_fails() -> None:
    streams = Streams(
        cheap=["I'm sorry, I can't. ", "Anything else?", END], strong=[StatusError(503)]
    )
    got = read(Router(TWO, model=ALIKE), streams, hold="sentence")
    assert got.text == "I'm sorry, I can't. Anything else?"
    assert got.routed.tier == CHEAP
    assert [a.purpose for a in got.routed.attempts] == ["escalation", "answer"]


def test_a_missing_document_is_not_held_against_the_tier() -> None:
    streams = Streams(cheap=["I don't know. ", "Ask the front desk."], strong=["no"])
    call = asking("Who repairs broken printers?", passages=PASSAGES)
    got = read(Router(TWO, model=ALIKE), streams, call, hold="sentence")
    assert streams.asked == ["cheap"]
    assert got.routed.action == "retrieve_more"


def test_a_verified_stream_is_checked_whole_and_replayed() -> None:
    raw = object()
    streams = Streams(cheap=["I ", "don't know."], strong=[Piece("At ", raw), "nine.", END])
    got = read(Router(TWO, model=ALIKE), streams, verify=True)
    assert got.pieces == [Piece("At ", raw), Piece("nine.")]
    assert got.routed.tier == STRONG
    assert got.routed.escalated


def test_a_verified_stream_that_is_cut_is_replaced_whole() -> None:
    streams = Streams(cheap=["At ", "ni", CUT], strong=["At nine.", END])
    got = read(Router(TWO, model=ALIKE), streams, verify=True)
    assert got.text == "At nine."


def test_what_comes_in_one_piece_is_given_in_one() -> None:
    for how in ({}, {"hold": "sentence"}, {"verify": True}):
        streams = Streams(cheap=[Attempt("At nine.", Usage(100, 10), raw="whole")])
        got = read(Router(TWO, model=ALIKE), streams, **how)
        assert got.pieces == [Piece("At nine.", "whole")]


def test_pieces_without_text_are_no_empty_answer_while_they_come() -> None:
    parts = [Piece("", "role"), Piece("", "a", calls_tool=True), Piece("", "b", calls_tool=True)]
    for hold in (None, "sentence"):
        end = Attempt("", Usage(100, 10), "tool_calls", (ToolCall("1", "menu"),))
        streams = Streams(cheap=[*parts, end], strong=["no"])
        got = read(Router(TWO, model=ALIKE), streams, asking(tools={"menu": {}}), hold=hold)
        assert got.pieces == parts
        assert got.routed.findings == ()
        assert streams.asked == ["cheap"]


def test_a_part_of_a_tool_call_leaves_as_soon_as_it_comes() -> None:
    made = []

    def slowly(tier: Tier, call: Call) -> Iterator[Piece | Attempt]:
        for name in ("a", "b"):
            made.append(name)
            yield Piece("", name, calls_tool=True)

    for hold in (None, "sentence"):
        made.clear()
        router = Router(TWO, model=ALIKE)
        generator = router.stream(asking(), slowly, hold=hold)
        assert next(generator).raw == "a"
        assert made == ["a"]
        generator.close()


def test_a_stream_that_was_silent_so_far_is_replaced_with_all_it_brought() -> None:
    streams = Streams(
        cheap=[Piece("", "role of cheap"), StatusError(529)],
        strong=[Piece("", "role of strong"), "At nine."],
    )
    got = read(Router(TWO, model=ALIKE), streams)
    assert got.pieces == [Piece("", "role of strong"), Piece("At nine.")]


def test_gains_send_no_stream_up_that_has_nothing_wrong() -> None:
    streams = Streams(cheap=["At nine. ", "Sharp."], strong=["no"])
    router = Router(TWO, model=ALIKE, escalation=Gains(lambda answer: 1.0))
    read(router, streams, hold="sentence")
    assert streams.asked == ["cheap"]


def test_another_hold_is_refused() -> None:
    with pytest.raises(InputError, match="must be 'sentence'"):
        next(Router(TWO).stream(asking(), Streams(cheap=[]), hold="word"))  # type: ignore[arg-type]


def test_run_and_stream_share_one_conversation() -> None:
    router = Router(TWO, model=ALIKE)
    read(router, Streams(strong=["At nine.", END]), asking(conversation="a", tier="strong"))
    call = asking(conversation="a", prompt_tokens=100)
    warm = dict(router.choose(call).costs)
    cold = dict(router.choose(asking(prompt_tokens=100)).costs)
    assert warm["strong"] < cold["strong"]
    assert warm["cheap"] == cold["cheap"]
    router.run(call, Providers(cheap="At nine."))
