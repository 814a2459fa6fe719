"""Chat messages as a transcript keeps them, and back."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    ContentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from llama_index_ragthrift.messages import to_messages
from ragthrift import Message

_KEPT = (TextBlock, ThinkingBlock, CachePoint, ToolCallBlock)
_RESULTS = (MessageRole.TOOL, MessageRole.FUNCTION)
_REMEMBERED = 4096


class Verbatim:
    """Chat messages by what a transcript keeps of them, so that they come back as they were.

    Pictures, thoughts and a provider's own fields come back as long as the process lives; texts
    and tool calls always do. Safe for threads.

    >>> verbatim = Verbatim()
    >>> said = ChatMessage("Hi", additional_kwargs={"mark": 1})
    >>> verbatim.back(verbatim.kept([said])) == [said]
    True
    """

    def __init__(self) -> None:
        self._said: OrderedDict[Message, ChatMessage] = OrderedDict()
        self._lock = threading.Lock()

    def kept(self, messages: Sequence[ChatMessage]) -> list[Message]:
        """What the transcript gets."""
        plain = to_plain(messages)
        with self._lock:
            for message, said in zip(plain, messages, strict=True):
                self._said[message] = said.model_copy(deep=True)
                self._said.move_to_end(message)
            while len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        return plain

    def back(self, messages: Sequence[Message]) -> list[ChatMessage]:
        """New objects: what is done to them stays without effect here."""
        with self._lock:
            said = [self._said.get(message) for message in messages]
        return [
            to_chat_message(message) if known is None else known.model_copy(deep=True)
            for message, known in zip(messages, said, strict=True)
        ]


def to_plain(messages: Sequence[ChatMessage]) -> list[Message]:
    r"""Texts and tool calls; a picture or a sound is named, since losing its turn would be worse.

    >>> from llama_index.core.base.llms.types import ImageBlock
    >>> to_plain([ChatMessage([TextBlock(text="See:"), ImageBlock(url="file:///a.png")])])[0].content
    'See:\n[image]'
    """
    return to_messages([_textual(message) for message in messages])


def _textual(message: ChatMessage) -> ChatMessage:
    blocks = [
        block if isinstance(block, _KEPT) else TextBlock(text=f"[{block.block_type}]")
        for block in message.blocks
    ]
    answered = message.additional_kwargs.get("tool_call_id")
    if answered is None and message.role in _RESULTS:
        answered = ""  # some integrations answer by the tool's name
    fields = {} if answered is None else {"tool_call_id": answered}
    return ChatMessage(role=message.role, blocks=blocks, additional_kwargs=fields)


def to_chat_message(message: Message) -> ChatMessage:
    """LlamaIndex's message of a turn.

    Arguments stay JSON text: LlamaIndex's integrations read it, and not all read a dict.
    """
    calls = [
        ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
        for call in message.tool_calls
    ]
    texts = [TextBlock(text=message.content)] if message.content or not calls else []
    blocks: list[ContentBlock] = [*texts, *calls]
    fields = {"tool_call_id": message.tool_call_id} if message.tool_call_id else {}
    return ChatMessage(role=MessageRole(message.role), blocks=blocks, additional_kwargs=fields)
