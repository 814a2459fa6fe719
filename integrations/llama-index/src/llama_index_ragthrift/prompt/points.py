"""Cache points in LlamaIndex's messages and templates."""

from collections.abc import Sequence

from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ContentBlock,
    MessageRole,
    TextBlock,
)
from llama_index.core.llms import LLM
from llama_index.core.prompts import ChatPromptTemplate

from llama_index_ragthrift.prompt.rules import POINTS, rules_of
from ragthrift.prompt import CachePlan, Stretch, Traffic, plan_breakpoints
from ragthrift.provider_cache import CacheRules
from ragthrift.tokens import EstimatedTokens

QUESTION = "{context_str}\n\nQuestion: {query_str}\nAnswer: "
_counter = EstimatedTokens()


def cached_template(
    stable: str,
    llm: LLM,
    *,
    question: str = QUESTION,
    rules: CacheRules | None = None,
    shared: Traffic | None = None,
) -> ChatPromptTemplate:
    """A template for a query engine, with a cache point after what all questions share.

    `stable` are rules and examples; they stand at the beginning of the user's message, since
    LlamaIndex's Anthropic sends no marker with a system message. There is no cache point where it
    would not pay, nor for an LLM whose provider needs none.

    >>> from llama_index.core.llms import MockLLM
    >>> template = cached_template("Answer by these documents only.", MockLLM())
    >>> template.template_vars
    ['context_str', 'query_str']
    """
    told = rules or rules_of(llm)
    blocks: list[ContentBlock] = [TextBlock(text=f"{stable}\n\n")]
    stretch = Stretch("the stable part", 1, _counter.count(stable), shared or Traffic.every(1))
    blocks += _points(plan_breakpoints([stretch], told), told)
    blocks.append(TextBlock(text=question))
    return ChatPromptTemplate([ChatMessage(role=MessageRole.USER, blocks=blocks)])


def with_cache_points(
    messages: Sequence[ChatMessage],
    llm: LLM,
    *,
    rules: CacheRules | None = None,
    session: Traffic | None = None,
) -> list[ChatMessage]:
    """Messages of a conversation with one cache point, at the end of the last turn.

    The next prompt begins with all of it. Cache points that were there are gone; without turns
    before the question, and where it would not pay, there is none.

    >>> from ragthrift.provider_cache import rules_for
    >>> talk = [ChatMessage(role=r, content="word " * 2000) for r in ("user", "assistant", "user")]
    >>> from llama_index.core.llms import MockLLM
    >>> sent = with_cache_points(talk, MockLLM(), rules=rules_for("claude-sonnet-4-5"))
    >>> [len(message.blocks) for message in sent]
    [1, 1, 2]
    """
    told = rules or rules_of(llm)
    plain = [without_cache_points(message) for message in messages]
    tokens = sum(_counter.count(message.content or "") for message in plain)
    turns = sum(message.role == MessageRole.USER for message in plain)
    goes_on = session or (Traffic.every(30, calls=8) if turns > 1 else Traffic.once())
    plan = plan_breakpoints([Stretch("the conversation", 1, tokens, goes_on)], told)
    points = _points(plan, told)
    if points and plain[-1].blocks and plain[-1].role != MessageRole.SYSTEM:
        blocks = [*plain[-1].blocks, *points]
        plain[-1] = plain[-1].model_copy(update={"blocks": blocks})
    return plain


def without_cache_points(message: ChatMessage) -> ChatMessage:
    """The message itself if it has none, otherwise a copy: for an LLM that refuses them."""
    blocks = [block for block in message.blocks if not isinstance(block, CachePoint)]
    if len(blocks) == len(message.blocks):
        return message
    return message.model_copy(update={"blocks": blocks})


def _points(plan: CachePlan, rules: CacheRules) -> list[CachePoint]:
    if rules.style not in POINTS:
        return []
    return [
        CachePoint(cache_control=CacheControl(type="ephemeral", ttl=mark.lifetime))
        for mark in plan.breakpoints
    ]
