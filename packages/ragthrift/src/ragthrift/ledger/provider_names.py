"""What frameworks call a provider, as the ids of `genai-prices`."""

_IDS = (
    ("azure", "azure"),
    ("openrouter", "openrouter"),
    ("openai", "openai"),
    ("chatgpt", "openai"),
    ("bedrock", "aws"),
    ("sagemaker", "aws"),
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("google", "google"),
    ("vertex", "google"),
    ("mistral", "mistral"),
    ("groq", "groq"),
    ("deepseek", "deepseek"),
    ("cohere", "cohere"),
    ("fireworks", "fireworks"),
    ("together", "together"),
    ("perplexity", "perplexity"),
    ("cerebras", "cerebras"),
    ("databricks", "databricks"),
    ("cloudflare", "cloudflare"),
    ("xai", "x-ai"),
    ("x-ai", "x-ai"),
    ("grok", "x-ai"),
)
"""By a part of the name; the first that fits."""
_OWN_MACHINE = ("ollama", "llama_cpp", "llamacpp", "llama-cpp", "ragthrift", "vllm", "gpt4all")
"""Models on one's own machine have no published price, whatever their names are."""
_ANY_SERVER = ("openailike", "openai_like", "openai-like")


def provider_id(name: str) -> str:
    """The id, the name itself for one's own machine, and "" where the model has to tell.

    >>> provider_id("google_genai"), provider_id("Anthropic_LLM"), provider_id("ChatOllama")
    ('google', 'anthropic', 'chatollama')
    >>> provider_id("OpenAILike"), provider_id("fake-chat")
    ('', '')
    """
    low = name.lower()
    if any(part in low for part in _OWN_MACHINE):
        return low
    if any(part in low for part in _ANY_SERVER):
        return ""
    return next((id_ for part, id_ in _IDS if part in low), "")
