"""An agent's model sees a short view of a long conversation; its checkpoint keeps all of it."""

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from langchain_ragthrift import MemoryMiddleware
from ragthrift.memory import ConversationMemory

TURNS = 200
ANN: RunnableConfig = {"configurable": {"thread_id": "ann"}}

model = GenericFakeChatModel(messages=iter(AIMessage("I see.") for _ in range(TURNS)))
memory = ConversationMemory()
agent = create_agent(
    model,
    system_prompt="You are the waiter of a canteen.",
    middleware=[MemoryMiddleware(memory)],
    checkpointer=InMemorySaver(),
)
agent.invoke({"messages": [("user", "My customer id is 4711, and I hate leeks.")]}, ANN)
for day in range(1, TURNS):
    said = f"On day {day} we walked past {day} old trees near the river, then over the bridge, "
    said += "and to the mill, where the boats lie in rows and the miller sells bread and soup."
    state = agent.invoke({"messages": [("user", said)]}, ANN)

print(len(state["messages"]), "messages in the checkpoint; what the model is sent next begins with")
for message in memory.view("ann")[:3]:
    print(f"  [{message.role}] {message.content[:90]}")
print(memory.report("ann"))
print(memory.explain("ann").explain())
memory.close()
