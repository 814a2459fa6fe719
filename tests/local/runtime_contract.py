"""What every runtime in this process must do, whichever library it stands on."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from ragthrift.errors import ContextOverflowError, ModelError
from ragthrift.local.model import LocalModel
from ragthrift.local.runtime import Runtime
from ragthrift.protocols import LLM, TokenCounter
from ragthrift.types import Message

STORY = [Message("user", "Tell a long story about a canteen.")]


class RuntimeContract:
    """Subclasses give `llm`, a fixture of a chat model with a window of 512 tokens or fewer."""

    reports_cached_tokens = True
    same_together = True
    """Calls at the same time have exactly the answers of single calls."""

    def test_it_is_what_it_says(self, llm: LocalModel) -> None:
        assert isinstance(llm, LLM)
        assert isinstance(llm, TokenCounter)
        assert isinstance(llm.runtime, Runtime)
        assert llm.exact
        assert llm.runtime.parallel >= 1
        assert "chat" in llm.runtime.abilities

    def test_pieces_make_the_answer(self, llm: LocalModel) -> None:
        pieces = llm.stream(STORY, max_tokens=16)
        found = []
        while True:
            try:
                found.append(next(pieces))
            except StopIteration as end:
                answer = end.value
                break
        assert "".join(found) == answer.text
        assert all(found)
        assert len(found) > 2
        assert answer.usage.output_tokens <= 16
        assert answer.finish_reason in ("length", "stop")
        assert llm.complete(STORY, max_tokens=16).text == answer.text

    def test_the_prompt_is_counted_exactly(self, llm: LocalModel) -> None:
        window = llm.runtime.window
        assert window is not None
        used = llm.complete(STORY, max_tokens=1).usage.input_tokens
        with pytest.raises(ContextOverflowError) as caught:
            llm.complete(STORY, max_tokens=window)
        assert caught.value.needed == used + window
        assert llm.count("") == 0

    def test_a_window_may_be_filled_and_not_overrun(self, llm: LocalModel) -> None:
        window = llm.runtime.window
        assert window is not None
        used = llm.complete(STORY, max_tokens=1).usage.input_tokens
        answer = llm.complete(STORY, max_tokens=window - used, stop=["never written"])
        assert answer.usage.total_tokens <= window
        with pytest.raises(ContextOverflowError):
            llm.complete([Message("user", "tea and bread " * window)])

    def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(self, llm: LocalModel) -> None:
        whole = llm.complete(STORY, max_tokens=16).text
        stop = whole[len(whole) // 2 : len(whole) // 2 + 3]
        answer = llm.complete(STORY, max_tokens=16, stop=[stop, "never written"])
        assert answer.text == whole[: whole.index(stop)]
        assert answer.finish_reason == "stop"
        assert "".join(llm.stream(STORY, max_tokens=16, stop=[stop])) == answer.text

    def test_seeds_repeat_and_differ(self, llm: LocalModel) -> None:
        def ask(seed: int) -> str:
            return llm.complete(STORY, max_tokens=12, temperature=1.5, seed=seed).text

        ask(1)  # from here on the prompt comes from the cache: rounding is the same
        assert ask(1) == ask(1)
        assert len({ask(seed) for seed in (1, 2, 3)}) > 1

    def test_the_other_settings_of_sampling_are_taken(self, llm: LocalModel) -> None:
        greedy = llm.complete(STORY, max_tokens=12).text
        assert llm.complete(STORY, max_tokens=12, temperature=2.0, top_k=1).text == greedy
        assert llm.complete(STORY, max_tokens=12, temperature=2.0, min_p=1.0).text == greedy
        assert llm.complete(STORY, max_tokens=12, temperature=2.0, top_p=1e-6).text == greedy
        assert llm.complete(STORY, max_tokens=40, repeat_penalty=1.8).text

    def test_a_closed_stream_lets_the_next_call_in(self, llm: LocalModel) -> None:
        expected = llm.complete(STORY, max_tokens=4).text
        for _ in range(4):
            pieces = llm.stream(STORY)
            next(pieces)
            pieces.close()
        assert llm.complete(STORY, max_tokens=4).text == expected

    def test_an_open_stream_keeps_nobody_waiting_for_ever(self, llm: LocalModel) -> None:
        pieces = llm.stream(STORY, max_tokens=12)
        first = next(pieces)
        assert llm.complete(STORY, max_tokens=12).text == first + "".join(pieces)

    def test_another_thread_ends_a_call(self, llm: LocalModel) -> None:
        pieces = llm.stream(STORY)
        next(pieces)
        timer = threading.Timer(0.2, pieces.close)
        timer.start()
        with suppress(ModelError):
            assert len(list(pieces)) < 10_000
        timer.join()

    def test_calls_from_many_threads_do_not_mix(self, llm: LocalModel) -> None:
        asked = [
            [Message("user", f"Write about {topic}.")]
            for topic in ("tea", "rain", "ships", "stars")
        ]
        alone = [llm.complete(one, max_tokens=8).text for one in asked]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda one: llm.complete(one, max_tokens=8).text, asked * 2))
        if self.same_together:
            assert together == alone * 2
        # Rounding may swap a word; what is asked about shows in the answers all the same.
        assert sum(a == b for a, b in zip(together, alone * 2, strict=True)) >= len(alone)

    def test_a_prefix_is_read_once(self, llm: LocalModel) -> None:
        rules = Message("system", "Be short. " * 20)
        llm.complete([rules, Message("user", "Tea?")], max_tokens=2)
        again = llm.complete([rules, Message("user", "Bread?")], max_tokens=2)
        if self.reports_cached_tokens:
            assert again.usage.cache_read_tokens > 32
        assert again.usage.cache_read_tokens < again.usage.input_tokens

    def test_odd_characters_are_read(self, llm: LocalModel) -> None:
        for text in ("half \ud83d", "a\0b"):
            assert llm.complete([Message("user", text)], max_tokens=2).usage.output_tokens > 0
        assert llm.complete(STORY, max_tokens=2).usage.output_tokens == 2
