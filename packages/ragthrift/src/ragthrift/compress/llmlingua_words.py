"""Which words of a text llmlingua keeps: by its token classifier, or by a causal model."""

import re
import sys
from collections.abc import Callable
from difflib import SequenceMatcher
from importlib.metadata import version
from typing import Any

from ragthrift.compress.labels import Labelled
from ragthrift.compress.llmlingua_model import FAMILIES, OwnSpecialTokens, word_mark
from ragthrift.errors import ModelError
from ragthrift.tokens import well_formed

Words = Callable[[str, str], Labelled]
"""`(query, text) -> words`, each with whether it is kept."""

_SEPARATOR = "\t\t|\t\t"
_LONGEST = 512
_CONTRASTIVE = {
    "rank_method": "longllmlingua",
    "condition_in_question": "after_condition",
    "condition_compare": True,
}


class ClassifiedWords:
    """LLMLingua-2: a token classifier that does not see the query.

    Texts are padded to their own length instead of to 512 tokens, and read between the model's
    own special tokens.
    """

    def __init__(self, compressor: Any, rate: float) -> None:
        self._compressor = compressor
        self._rate = rate
        tokenizer = compressor.tokenizer
        if not isinstance(tokenizer, OwnSpecialTokens):
            compressor.model_name = FAMILIES[word_mark(tokenizer)]
            compressor.tokenizer = OwnSpecialTokens(tokenizer)
        tokenizer.model_max_length = sys.maxsize  # it would warn of texts that are cut up below
        names = sorted(tokenizer.all_special_tokens, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, names)))
        self._longest = min(_LONGEST, _positions(compressor.model.config))

    def __call__(self, query: str, text: str) -> Labelled:  # noqa: ARG002
        """The words that the model read; none where there was nothing it knows."""
        readable = self._special.sub(lambda name: " " * len(name[0]), well_formed(text))
        length = len(self._compressor.tokenizer.tokenize(readable))
        if not length:
            return []
        self._compressor.max_seq_len = min(self._longest, length + 2)
        try:
            answer = self._compressor.compress_prompt(
                [readable],
                rate=self._rate,
                use_context_level_filter=False,
                force_reserve_digit=True,
                return_word_label=True,
                word_sep=_SEPARATOR,
            )
        except IndexError:  # llmlingua's answer to a text without one known word
            return []
        labelled = answer["fn_labeled_original_prompt"].split(_SEPARATOR)
        pairs = (part.rpartition(" ") for part in labelled if part)
        return [(word, label == "1") for word, _, label in pairs]


def _positions(config: Any) -> int:
    """How many tokens fit; RoBERTa counts its positions from the padding token's id on."""
    roberta = "roberta" in str(config.model_type)
    return int(config.max_position_embeddings) - (config.pad_token_id + 1 if roberta else 0)


class SurprisingWords:
    """LLMLingua-1 and LongLLMLingua: a causal model, by the surprise of each token.

    With `ask`, LongLLMLingua's surprise given the query is compared with that without it. A text
    that fits the model's context is read as one window, which runs on every transformers; a
    longer one goes by windows of 200 tokens, which newer ones refuse.
    """

    def __init__(self, compressor: Any, rate: float, *, ask: bool) -> None:
        self._compressor = compressor
        self._rate = rate
        self._ask = ask

    def __call__(self, query: str, text: str) -> Labelled:
        """The words of the text, kept where llmlingua wrote them again."""
        readable = well_formed(text)
        asked = well_formed(query) if self._ask and query.strip() else ""
        length = self._compressor.get_token_length(readable)
        if length < 2:
            return []
        around = self._compressor.get_token_length(asked + "\n\n") if asked else 0
        fits = length + around <= self._compressor.max_position_embeddings
        try:
            answer = self._compressor.compress_prompt(
                [readable],
                question=asked,
                rate=self._rate,
                concate_question=False,
                iterative_size=length if fits else 200,
                **(_CONTRASTIVE if asked else {}),
            )
        except (ValueError, AttributeError, TypeError) as error:
            raise ModelError(_too_new(error)) from error
        before, after = readable.split(), answer["compressed_prompt"].split()
        kept = [False] * len(before)
        for match in SequenceMatcher(None, before, after).get_matching_blocks():
            kept[match.a : match.a + match.size] = [True] * match.size
        return list(zip(before, kept, strict=True))


def _too_new(error: Exception) -> str:
    return (
        f"llmlingua {version('llmlingua')} cannot run a causal model over a passage longer than "
        f"its context with transformers {version('transformers')} ({error}); transformers 4.47.1 "
        "is the newest that runs every model, 4.55.4 runs GPT-2. Install one of them, give "
        'shorter passages, or use method="llmlingua2"'
    )
