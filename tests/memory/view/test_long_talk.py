"""What is said once, early, stays known through many compactions, by the default memory."""

import pytest

from ragthrift import Message
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.policy import Policy, Watermarks
from ragthrift.memory.room import Room

SAID = "By the way: customer id 4711, allergic to peanuts."
SMALL_TALK = (
    "The weather on day {n} is mild, and we walked past {n} trees near the old mill by the river.",
    "Today lesson {n} was about painting clouds; the teacher likes broad brushes and thin paper.",
    "My neighbour repaired fence number {n} and told a long story about his uncle's boat.",
)


@pytest.mark.parametrize("room", [Room(), Room(facts=0), Room(recall=0)], ids=repr)
def test_a_fact_of_turn_two_survives_300_turns_and_twelve_compactions(room: Room) -> None:
    """Pinned, recalled word for word, or both."""
    policy = Policy(Watermarks(high=1000, low=300))
    talk = [
        Message("system", "You are the waiter of a canteen."),
        Message("user", "Good morning!"),
        Message("assistant", "Good morning, what can I do for you?"),
        Message("user", SAID),
        Message("assistant", "Noted."),
    ]
    with ConversationMemory(policy=policy, room=room) as memory:
        for n in range(300):
            talk.append(Message("user", SMALL_TALK[n % 3].format(n=n)))
            seen = memory.view("one", talk)
            assert seen[-1] == talk[-1]
            talk.append(Message("assistant", f"How nice to hear about number {n}."))
            memory.after("one", talk).result(60)
        for question in ("What is my customer id?", "What am I allergic to?"):
            talk.append(Message("user", question))
            text = "\n".join(message.content for message in memory.view("one", talk))
            assert "4711" in text
            assert "peanuts" in text
            talk.append(Message("assistant", "As you said."))
        report = memory.report("one")
        kept = [turn.message for turn in memory.transcript.load("one").turns]
    assert report.account.compactions >= 12
    assert report.account.compactions / report.account.calls <= 0.1
    assert kept == talk[1:-1]
    assert report.tokens.share > 0.8
