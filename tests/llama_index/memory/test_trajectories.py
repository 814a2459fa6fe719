"""Real talks with tools, as LlamaIndex's messages: nothing torn, nothing lost."""

from llama_index_ragthrift.memory import RagthriftMemory
from llama_index_ragthrift.memory.verbatim import to_chat_message
from ragthrift.memory import Policy, Watermarks
from tests.llama_index.memory.talks import SMALL, calls_in, conversation, is_whole
from tests.memory.view.talks import trajectories


def test_every_beginning_of_every_trajectory_is_whole_in_llama_indexs_messages() -> None:
    policy = Policy(Watermarks(1500, 300), SMALL.caching, SMALL.horizon)
    shorter = 0
    for number, turns in enumerate(trajectories()):
        if number % 4:
            continue
        talk = [to_chat_message(turn) for turn in turns]
        with conversation(policy=policy) as kept:
            memory = RagthriftMemory(kept)
            for message in talk:
                memory.put(message)
                kept.close()  # waits for the summary; a given transcript stays open
                sent = memory.get()
                assert sent[-1] == message
                assert is_whole(sent[:-1] if calls_in(message) else sent), number
                shorter += len(sent) < len(memory.get_all())
            assert memory.get_all() == talk
    assert shorter > 100
