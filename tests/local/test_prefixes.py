import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ragthrift.errors import InputError, ModelError
from ragthrift.local import LocalModel, Prefixes, Sampling, load_model, plain_text
from ragthrift.local.saved_prefix import fetch_state, model_digest, store_state
from ragthrift.types import Message

RULES = Message("system", "You answer questions about the harbour. " * 15)


def test_a_state_comes_back_only_as_it_was_written(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_bytes(b"keys and values" * 1000)
    folder = tmp_path / "saved"
    saved = store_state(state, folder, "k")
    assert {file.name for file in folder.iterdir()} == {"k.slot", "k.json"}
    assert fetch_state(folder, "k", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == state.read_bytes()
    assert not fetch_state(folder, "other", tmp_path / "out")
    whole = saved.read_bytes()
    for damaged in (whole[:-1], whole + b"x", b"X" + whole[1:], b""):
        saved.write_bytes(damaged)
        assert not fetch_state(folder, "k", tmp_path / "out")
    saved.write_bytes(whole)
    (folder / "k.json").write_text("[")
    assert not fetch_state(folder, "k", tmp_path / "out")
    (folder / "k.json").unlink()
    assert not fetch_state(folder, "k", tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_bytes(b"x")
    with pytest.raises(ModelError, match="cannot be saved in"):
        store_state(state, state / "folder", "k")


def test_the_digest_of_a_model_sees_size_time_and_both_ends(tmp_path: Path) -> None:
    file = tmp_path / "model"
    content = bytearray(os.urandom(3 << 20))
    file.write_bytes(content)
    os.utime(file, (1, 1))
    first = model_digest(file)
    for place in (0, len(content) - 1):
        content[place] ^= 1
        file.write_bytes(content)
        os.utime(file, (1, 1))
        assert model_digest(file) != first
        content[place] ^= 1
    file.write_bytes(content)
    os.utime(file, (1, 1))
    assert model_digest(file) == first
    os.utime(file, (2, 2))
    assert model_digest(file) != first


@pytest.mark.model
def test_a_warm_prefix_is_not_read_again(smollm2: LocalModel) -> None:
    asked = [RULES, Message("user", "When does the crane start?")]
    assert Prefixes(smollm2).warm([RULES]) == "read"
    usage = smollm2.complete(asked, max_tokens=1).usage
    assert usage.cache_read_tokens > 100
    assert usage.fresh_tokens < 25
    for session in ("ann", "bob", "eve"):  # each in a slot of its own
        usage = smollm2.complete(asked, max_tokens=1, session=session).usage
        assert usage.fresh_tokens < 25, session


@pytest.mark.model
def test_a_saved_prefix_is_restored_by_a_new_model_of_the_same_kind(
    smollm2_path: Path, tmp_path: Path
) -> None:
    question = [RULES, Message("user", "When does the crane start?")]

    def opened(path: Path = smollm2_path, **options: Any) -> LocalModel:
        given: dict[str, Any] = {"n_ctx": 512, "slots": 2, "self_test": False, **options}
        return load_model(path, **given)

    with opened() as llm:
        assert Prefixes(llm, tmp_path).warm([RULES]) == "read"
        cold = llm.complete(question, max_tokens=8).text
    with opened() as llm:
        prefixes = Prefixes(llm, tmp_path)
        assert prefixes.warm([RULES]) == "restored"
        answer = llm.complete(question, max_tokens=8)
        assert answer.usage.cache_read_tokens > 100
        assert answer.text == cold
        assert prefixes.warm([RULES], session="s") == "restored"
        assert llm.complete(question, max_tokens=1, session="s").usage.cache_read_tokens > 100
        assert prefixes.warm([RULES, Message("user", "Hello")]) == "read"
    template = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
    copy = tmp_path / "copy.gguf"
    shutil.copyfile(smollm2_path, copy)
    others: list[tuple[Path, dict[str, Any]]] = [
        (smollm2_path, {"n_ctx": 500}),
        (smollm2_path, {"slots": 1}),
        (smollm2_path, {"chat_template": template}),
        (smollm2_path, {"prompt_format": plain_text}),
        (copy, {}),
    ]
    for path, options in others:
        with opened(path, **options) as llm:
            before = set(tmp_path.iterdir())
            assert Prefixes(llm, tmp_path).warm([RULES]) == "read", options
            assert len(set(tmp_path.iterdir()) - before) == 2


@pytest.mark.model
def test_a_damaged_file_does_no_harm(smollm2_path: Path, tmp_path: Path) -> None:
    # In a process of its own: llama.cpp would end it if the damage came through.
    code = f"""
from pathlib import Path
from ragthrift import Message
from ragthrift.local import Prefixes, load_model
folder = Path({str(tmp_path)!r})
rules = [Message("system", "You answer questions about the harbour. " * 15)]
with load_model({str(smollm2_path)!r}, n_ctx=512, slots=2) as llm:
    prefixes = Prefixes(llm, folder)
    print(prefixes.warm(rules), prefixes.warm(rules))
    for damage in (lambda b: b[:1000], lambda b: b[:-1], lambda b: b[:500] + b"?" + b[501:]):
        saved = next(folder.glob("*.slot"))
        saved.write_bytes(damage(saved.read_bytes()))
        print(prefixes.warm(rules), prefixes.warm(rules))
    print(llm.complete([*rules, Message("user", "Hello")], max_tokens=2).usage.output_tokens)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "read restored\n" * 4 + "2\n"


@pytest.mark.model
def test_a_restored_prefix_is_far_faster_than_reading(smollm2_path: Path, tmp_path: Path) -> None:
    with load_model(smollm2_path, n_ctx=1024, slots=2) as llm:
        long = [Message("system", "Ships sail on the sea. " * 120)]
        prefixes = Prefixes(llm, tmp_path)
        started = time.process_time()
        prefixes.warm(long)
        read = time.process_time() - started
        started = time.process_time()
        assert prefixes.warm(long) == "restored"
        assert time.process_time() - started < read / 4


class _Elsewhere:
    """A runtime of another kind."""

    abilities = frozenset({"chat"})


def test_runtimes_of_other_kinds_are_refused() -> None:
    elsewhere = LocalModel(_Elsewhere(), sampling=Sampling())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="_Elsewhere keeps prefixes by itself"):
        Prefixes(elsewhere)
