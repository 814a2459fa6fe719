"""Token by token through a model of transformers, with the last prompt kept in its cache."""

from collections.abc import Generator, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from ragthrift.local.sampling import Request, Sampling
from ragthrift.local.token_steps import Step
from ragthrift.local.token_text import TokenText
from ragthrift.types import TokenLogprob

if TYPE_CHECKING:
    import torch


class TransformersSteps:
    """One conversation at a time: whoever calls holds a lock."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self._network, self._tokenizer = network, tokenizer
        self._ends = _ends(network, tokenizer)
        taken = signature(network.forward).parameters
        self._cache_name = "cache" if "cache" in taken else "past_key_values"
        self._cache: Any = None
        self._read: list[int] = []
        """Tokens whose keys and values are in the cache."""

    def shared_prefix(self, tokens: Sequence[int]) -> int:
        """Tokens that need not be read again; the last one always is, for what follows it."""
        shared = 0
        for known, token in zip(self._read, tokens[:-1], strict=False):
            if known != token:
                break
            shared += 1
        return shared

    def steps(self, tokens: Sequence[int], request: Request) -> Generator[Step, None, None]:
        """Endless unless the model ends its answer."""
        import torch

        text = TokenText(lambda some: str(self._tokenizer.decode(some, skip_special_tokens=True)))
        generator = torch.Generator().manual_seed(request.sampling.seed)
        chain = _processors(request.sampling)
        written = list(tokens)
        fresh = written[self._forget_after(self.shared_prefix(tokens)) :]
        while True:
            with torch.inference_mode():
                logits = self._forward(fresh)
                token = _chosen(logits, written, request.sampling, chain, generator)
            logprob = None
            if request.logprobs is not None:
                logprob = self._logprob(logits, token, request.logprobs)
            written.append(token)
            fresh = [token]
            if token in self._ends:
                yield Step(text.rest(), logprob, is_end=True)
                return
            yield Step(text.add(token), logprob)

    def _forget_after(self, kept: int) -> int:
        """Cut the cache; how many tokens are left in it: none if it cannot be cut."""
        from transformers import DynamicCache

        surplus = len(self._read) - kept
        try:
            if self._cache is not None and surplus > 0:
                self._cache.crop(-surplus)
        except (ValueError, RuntimeError, NotImplementedError, AttributeError):
            self._cache = None  # a sliding window has forgotten what stood before it
        if self._cache is None or self._cache.get_seq_length() != kept:
            self._cache, kept = DynamicCache(config=self._network.config), 0
        self._read = self._read[:kept]
        return kept

    def _forward(self, fresh: Sequence[int]) -> "torch.Tensor":
        """Logits of the next token, shape (vocabulary,), on the CPU."""
        import torch

        cache, self._cache = self._cache, None  # a failure leaves no half-read cache behind
        ids = torch.tensor([list(fresh)], device=self._network.device)
        kept = {self._cache_name: cache}
        found = self._network(input_ids=ids, use_cache=True, logits_to_keep=1, **kept)
        self._cache = cache  # filled in place
        self._read += fresh
        logits: torch.Tensor = found.logits[0, -1].float().cpu()
        return logits

    def _logprob(self, logits: "torch.Tensor", token: int, alternatives: int) -> TokenLogprob:
        found = logits.log_softmax(-1)
        best = found.topk(alternatives)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        others = tuple(
            (str(self._tokenizer.decode([one])), min(0.0, value)) for one, value in pairs
        )
        return TokenLogprob(
            str(self._tokenizer.decode([token])), min(0.0, float(found[token])), others
        )


def _ends(network: Any, tokenizer: Any) -> frozenset[int]:
    found = getattr(network.generation_config, "eos_token_id", None)
    several = found if isinstance(found, list) else [found]
    return frozenset(one for one in [*several, tokenizer.eos_token_id] if one is not None)


def _processors(sampling: Sampling) -> list[Any]:
    """What transformers itself would put between logits and choice."""
    from transformers.generation import logits_process as process

    chain: list[Any] = []
    if sampling.repeat_penalty != 1:
        chain.append(process.RepetitionPenaltyLogitsProcessor(sampling.repeat_penalty))
    if sampling.temperature > 0:
        chain.append(process.TemperatureLogitsWarper(float(sampling.temperature)))
        if sampling.top_k:
            chain.append(process.TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            chain.append(process.TopPLogitsWarper(sampling.top_p))
        if sampling.min_p:
            chain.append(process.MinPLogitsWarper(sampling.min_p))
    return chain


def _chosen(
    logits: "torch.Tensor",
    written: Sequence[int],
    sampling: Sampling,
    chain: Sequence[Any],
    generator: "torch.Generator",
) -> int:
    import torch

    ids, scores = torch.tensor([list(written)]), logits[None].clone()
    for process in chain:
        scores = process(ids, scores)
    if sampling.temperature == 0:
        return int(scores.argmax())
    return int(torch.multinomial(scores.softmax(-1)[0], 1, generator=generator))
