import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragthrift.errors import ModelError, ModelNotFoundError
from ragthrift.local.gguf import GGUFHeader, SkippedArray, read_gguf

U8, U32, F32, BOOL, TEXT, ARRAY, U64 = 0, 4, 6, 7, 8, 9, 10


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def texts(values: Sequence[str]) -> bytes:
    return struct.pack("<IQ", TEXT, len(values)) + b"".join(text(value) for value in values)


def gguf(
    *pairs: bytes, tensor_offsets: Sequence[int] = (), tail: bytes = b"", version: int = 3
) -> bytes:
    """A file as the format's document describes it, tensors of four numbers each."""
    head = struct.pack("<4sIQQ", b"GGUF", version, len(tensor_offsets), len(pairs))
    tensors = b"".join(
        text(f"blk.{place}") + struct.pack("<IQIQ", 1, 4, 0, offset)
        for place, offset in enumerate(tensor_offsets)
    )
    content = head + b"".join(pairs) + tensors
    padding = b"\0" * (-len(content) % 32) if tensor_offsets else b""
    return content + padding + tail


WHOLE = gguf(
    pair("general.architecture", TEXT, text("llama")),
    pair("llama.context_length", U32, struct.pack("<I", 8192)),
    pair("llama.rope.freq_base", F32, struct.pack("<f", 0.5)),
    pair("tokenizer.ggml.tokens", ARRAY, texts(["<s>", "é", "", "word"])),
    pair("tokenizer.ggml.scores", ARRAY, struct.pack("<IQ3f", F32, 3, 0.0, 1.0, 2.0)),
    pair("tokenizer.ggml.add_bos_token", BOOL, b"\x01"),
    pair("tokenizer.chat_template", TEXT, text("{{ messages }}")),
    tensor_offsets=(0, 32),
    tail=bytes(48),
)


def read(tmp_path: Path, content: bytes) -> GGUFHeader:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    return read_gguf(file)


def test_every_kind_of_value_is_read_and_arrays_are_stepped_over(tmp_path: Path) -> None:
    header = read(tmp_path, WHOLE)
    assert (header.version, header.tensor_count) == (3, 2)
    assert header.metadata == {
        "general.architecture": "llama",
        "llama.context_length": 8192,
        "llama.rope.freq_base": 0.5,
        "tokenizer.ggml.tokens": SkippedArray(4),
        "tokenizer.ggml.scores": SkippedArray(3),
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": "{{ messages }}",
    }
    assert header.architecture == "llama"
    assert header.trained_ctx == 8192
    assert header.chat_template == "{{ messages }}"


def test_what_a_file_does_not_say_is_none(tmp_path: Path) -> None:
    header = read(tmp_path, gguf())
    assert header.architecture == ""
    assert header.trained_ctx is None
    assert header.chat_template is None


def test_values_of_the_wrong_kind_count_as_not_said(tmp_path: Path) -> None:
    header = read(
        tmp_path,
        gguf(
            pair("general.architecture", U32, struct.pack("<I", 7)),
            pair("tokenizer.chat_template", U32, struct.pack("<I", 7)),
            pair(".context_length", TEXT, text("long")),
        ),
    )
    assert header.architecture == ""
    assert header.trained_ctx is None
    assert header.chat_template is None


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nowhere\.gguf"):
        read_gguf(tmp_path / "nowhere.gguf")
    with pytest.raises(ModelNotFoundError):
        read_gguf(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "too short"),
        (b"GGUF", "too short"),
        (b"PK\x03\x04" + bytes(60), "begins with"),
        (gguf(version=1), "version is 1"),
        (gguf(pair("k", 77, b"")), "unknown value type 77"),
        (gguf(pair("k", ARRAY, struct.pack("<IQ", ARRAY, 1))), "unknown item type 9"),
        (gguf(pair("k", TEXT, struct.pack("<Q", 2) + b"\xff\xfe")), "not UTF-8"),
        (gguf(pair("k", TEXT, struct.pack("<Q", 2**64 - 1))), "cut off or corrupt"),
        (gguf(pair("k", ARRAY, struct.pack("<IQ", U64, 2**63))), "cut off or corrupt"),
        (gguf(pair("k", ARRAY, struct.pack("<IQ", TEXT, 2**63))), "cut off or corrupt"),
        (
            gguf(
                pair("general.alignment", U32, struct.pack("<I", 0)),
                tensor_offsets=(0,),
                tail=bytes(16),
            ),
            "alignment 0",
        ),
    ],
)
def test_a_file_that_is_no_model_says_why(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint) as caught:
        read(tmp_path, content)
    assert "model.gguf is not a usable GGUF model" in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.integers(0, len(WHOLE) - 17))
def test_a_file_cut_before_its_last_tensor_is_refused(tmp_path: Path, kept: int) -> None:
    with pytest.raises(ModelError):
        read(tmp_path, WHOLE[:kept])


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8),
    kept=st.integers(0, len(WHOLE)),
)
def test_no_damage_raises_anything_but_a_model_error(
    tmp_path: Path, changes: list[tuple[int, int]], kept: int
) -> None:
    content = bytearray(WHOLE)
    for place, value in changes:
        content[place] = value
    try:
        header = read(tmp_path, bytes(content[:kept]))
    except ModelError as error:
        assert "model.gguf" in str(error)  # noqa: PT017 -- most, but not all, damage is refused
    else:
        assert header.version in (2, 3)
        assert header.trained_ctx is None or header.trained_ctx > 0


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_random_bytes_after_the_magic_raise_nothing_else(tmp_path: Path, content: bytes) -> None:
    try:
        read(tmp_path, b"GGUF\x03\0\0\0" + content)
    except ModelError as error:
        assert "model.gguf" in str(error)  # noqa: PT017 -- a few random headers are valid
