"""Caches by their own libraries, each asked in the same way, with the same encoder.

All get MiniLM, since the encoders that they would download by default cannot be had everywhere;
every limit is the library's default. redisvl and langchain-redis need the query engine of Redis.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, Protocol

from typing_extensions import override

from ragthrift import Passage, Scope
from ragthrift.cache import Fresh, RedisStore, SemanticCache, SqliteStore
from ragthrift.cache.serving import ServingPolicy
from ragthrift.cache.store import Store
from ragthrift.protocols import Embedder

SCOPE = Scope.of(tenant="benchmark")
STATIC = 0.85
"""The threshold that a hand would pick for MiniLM."""


class AskedCache(Protocol):
    """A cache that is asked one question after the other."""

    scoped: bool = False
    """Whether conversations that began in other ways are kept apart."""

    def lookup(self, question: str, passages: Sequence[Passage] = ()) -> str | None:
        """The answer it serves; `passages` are what a prompt would hold besides the question."""
        ...

    def store(self, question: str, answer: str, passages: Sequence[Passage] = ()) -> None:
        """Remember what the model said after a miss."""
        ...


System = Callable[[Embedder], AbstractContextManager[AskedCache]]
"""Opens an empty cache."""


class Ours(AskedCache):
    """`SemanticCache`, which learns from what it is told after a miss."""

    scoped = True

    def __init__(self, cache: SemanticCache) -> None:
        self.cache = cache

    @override
    def lookup(self, question: str, passages: Sequence[Passage] = ()) -> str | None:
        self._found = self.cache.find(question, scope=SCOPE)
        return self._found.hit.answer if self._found.hit else None

    @override
    def store(self, question: str, answer: str, passages: Sequence[Passage] = ()) -> None:
        assert self._found.question == question
        self.cache.keep(self._found, Fresh(answer, passages=passages or None))


class Gpt(AskedCache):
    """GPTCache on SQLite and FAISS with its `SearchDistanceEvaluation`."""

    def __init__(self, embedder: Embedder, folder: str) -> None:
        from gptcache import Cache
        from gptcache.manager import CacheBase, VectorBase, get_data_manager
        from gptcache.processor.pre import get_prompt
        from gptcache.similarity_evaluation import SearchDistanceEvaluation

        rows = CacheBase("sqlite", sql_url=f"sqlite:///{folder}/g.db")
        vectors = VectorBase("faiss", dimension=384, index_path=f"{folder}/g.index")
        self._cache = Cache()
        self._cache.init(
            pre_embedding_func=get_prompt,
            embedding_func=lambda text, **_: embedder.embed([text])[0],
            data_manager=get_data_manager(rows, vectors),
            similarity_evaluation=SearchDistanceEvaluation(),
        )

    @override
    def lookup(self, question: str, passages: Sequence[Passage] = ()) -> str | None:
        from gptcache.adapter.api import get

        found: str | None = get(question, cache_obj=self._cache)
        return found

    @override
    def store(self, question: str, answer: str, passages: Sequence[Passage] = ()) -> None:
        from gptcache.adapter.api import put

        put(question, answer, cache_obj=self._cache)


class RedisVl(AskedCache):
    """redisvl's `SemanticCache`."""

    def __init__(self, embedder: Embedder, url: str) -> None:
        from redisvl.extensions.cache.llm import SemanticCache as Cache
        from redisvl.utils.vectorize import CustomVectorizer

        vectorizer = CustomVectorizer(embed=lambda text, **_: embedder.embed([text])[0].tolist())
        self._cache: Any = Cache(redis_url=url, vectorizer=vectorizer, overwrite=True)

    @override
    def lookup(self, question: str, passages: Sequence[Passage] = ()) -> str | None:
        found = self._cache.check(prompt=question)
        return found[0]["response"] if found else None

    @override
    def store(self, question: str, answer: str, passages: Sequence[Passage] = ()) -> None:
        self._cache.store(prompt=question, response=answer)


class LangChainRedis(AskedCache):
    """langchain-redis' `RedisSemanticCache`, which gets the whole prompt, as LangChain hands it."""

    def __init__(self, embedder: Embedder, url: str) -> None:
        from langchain_core.embeddings import Embeddings
        from langchain_redis import RedisSemanticCache

        class Embedding(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                return [self.embed_query(text) for text in texts]

            def embed_query(self, text: str) -> list[float]:
                return [float(value) for value in embedder.embed([text])[0]]

        self._cache: Any = RedisSemanticCache(Embedding(), redis_url=url)

    @override
    def lookup(self, question: str, passages: Sequence[Passage] = ()) -> str | None:
        found = self._cache.lookup(prompt_of(question, passages), "model")
        return found[0].text if found else None

    @override
    def store(self, question: str, answer: str, passages: Sequence[Passage] = ()) -> None:
        from langchain_core.outputs import Generation

        self._cache.update(prompt_of(question, passages), "model", [Generation(text=answer)])


def prompt_of(question: str, passages: Sequence[Passage]) -> str:
    """A prompt as LangChain's models hand it to their cache."""
    from langchain_core.load import dumps
    from langchain_core.messages import HumanMessage

    texts = [passage.text for passage in passages]
    return dumps([HumanMessage("\n\n".join([*texts, question]))])


class Static(AskedCache):
    """The nearest question above a fixed cosine: what is left of a cache without a decision."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._answers, self._vectors = embedder, list[str](), list[Any]()

    @override
    def lookup(self, question: str, passages: Sequence[Passage] = ()) -> str | None:
        import numpy as np

        if not self._answers:
            return None
        cosines = np.stack(self._vectors) @ self._embedder.embed([question])[0]
        best = int(cosines.argmax())
        return self._answers[best] if cosines[best] >= STATIC else None

    @override
    def store(self, question: str, answer: str, passages: Sequence[Passage] = ()) -> None:
        self._answers.append(answer)
        self._vectors.append(self._embedder.embed([question])[0])


@contextmanager
def sqlite(embedder: Embedder) -> Iterator[Ours]:
    """Ours in a file."""
    with TemporaryDirectory() as folder, _ours(embedder, SqliteStore(Path(folder, "c.db"))) as ours:
        yield ours


@contextmanager
def gptcache(embedder: Embedder) -> Iterator[Gpt]:
    """GPTCache, in a folder that stays: it writes its index again when the process ends."""
    yield Gpt(embedder, mkdtemp())


@contextmanager
def static(embedder: Embedder) -> Iterator[Static]:
    """A fixed threshold in memory."""
    yield Static(embedder)


def on_redis(url: str) -> dict[str, System]:
    """Those that live on a server, which they empty."""
    import redis

    def emptied(opened: Callable[[Embedder], AskedCache]) -> System:
        @contextmanager
        def system(embedder: Embedder) -> Iterator[AskedCache]:
            with redis.Redis.from_url(url) as client:
                client.flushall()
            yield opened(embedder)

        return system

    @contextmanager
    def ours(embedder: Embedder) -> Iterator[Ours]:
        with redis.Redis.from_url(url) as client:
            client.flushall()
        with _ours(embedder, RedisStore(url)) as cache:
            yield cache

    return {
        "ragthrift on Redis": ours,
        "redisvl": emptied(lambda embedder: RedisVl(embedder, url)),
        "langchain-redis": emptied(lambda embedder: LangChainRedis(embedder, url)),
    }


@contextmanager
def _ours(embedder: Embedder, store: Store) -> Iterator[Ours]:
    policy = ServingPolicy(agree=str.__eq__, seed=0)
    with SemanticCache(embedder, store=store, policy=policy, on_error="raise") as cache:
        yield Ours(cache)


@contextmanager
def systems() -> Iterator[dict[str, System]]:
    """Everything that can be measured here, by name; what is missing fails when it is opened."""
    from tests.cache.servers import running

    here: dict[str, System] = {"ragthrift": sqlite, "GPTCache": gptcache, "static": static}
    with TemporaryDirectory() as folder, running("search", Path(folder)) as server:
        yield here | on_redis(server.url)
