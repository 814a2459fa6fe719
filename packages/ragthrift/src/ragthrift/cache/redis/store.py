"""Answers in Redis or Valkey, for many processes on many machines.

Nothing is served that the registry of documents does not allow, and the registry, the answers and
the sets that lead to them change only inside scripts, which the server runs one at a time: between
looking at a document's version and reading or writing an answer nobody can come in. All keys of a
cache begin with `{prefix}:`. Those braces keep them in one slot, so the same holds on a cluster;
there a cache lies on one shard, and caches of other prefixes lie on others.

The epoch and the ids start at the microseconds since 1970 when the registry begins, and no script
goes on with a registry that another run of the server began: what a crash or a failover took with
it may have been the news that a document moved. So a restarted server is an empty cache, an entry
of before is never read, a writer that looked before is refused, and an index in memory starts over.

What finds near vectors only proposes ids; each is read by the script that checks it.
"""

import json
import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ragthrift.cache.cipher import LOCK, UnreadableError, cipher_for, opens
from ragthrift.cache.entry import Entry, NewEntry, Place, Terms, Written
from ragthrift.cache.evidence import Evidence
from ragthrift.cache.growth import FAR, Growth
from ragthrift.cache.indexes import ScopeIndex
from ragthrift.cache.redis.connection import Connection
from ragthrift.cache.redis.entries import FIELDS, arguments, raw, read, terms_of, unpack
from ragthrift.cache.redis.kinds import Wanted, choose
from ragthrift.cache.redis.leases import Leases
from ragthrift.cache.redis.ledger import size
from ragthrift.cache.redis.notes import Notes
from ragthrift.cache.redis.outbox import Outbox
from ragthrift.cache.redis.search_index import SearchIndex
from ragthrift.cache.redis.tailing_index import TailingIndex, stored
from ragthrift.cache.redis.vector_sets import VectorSets
from ragthrift.cache.rows import answer_digest, to_row
from ragthrift.cache.settings import Capacity
from ragthrift.cache.sqlite_store import SURPLUS_NEIGHBOURS
from ragthrift.cache.values import Apart, Values
from ragthrift.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from redis import Redis, RedisCluster

    Floats = NDArray[np.float32]

log = logging.getLogger(__name__)

_COLUMNS = json.dumps(FIELDS)
ROUNDS = 4
"""How often the nearest are looked up again because some of them were gone."""
MARKED = 1000


class RedisStore:
    """One cache for many machines; needs the `redis` extra and Redis or Valkey from version 7.

    `vectors` says where the nearest are searched: in the server's vector sets (`"sets"`, Redis 8),
    by its query engine (`"search"`), or in each process's memory, which follows a change stream
    (`"local"`: any server). `"auto"` tries in this order; all that share a prefix do the same.
    `key` encrypts questions, answers and vectors (the `encryption` extra), which are then searched
    in memory. `values` is a key-value store that holds the answers, and what comes with them, in
    place of the server. A server that is away is a miss; what it is asked anew waits up to a
    second.
    """

    def __init__(
        self,
        client_or_url: "Redis | RedisCluster | str",
        *,
        prefix: str = "ragthrift",
        key: str | bytes | None = None,
        capacity: Capacity | None = None,
        vectors: Wanted = "auto",
        values: Values | None = None,
    ) -> None:
        self.cipher = cipher_for(key)
        self._capacity = capacity or Capacity()
        self._wanted, self._encrypted = vectors, key is not None
        self._connection = connection = Connection(client_or_url, prefix, self._greet)
        self._near: VectorSets | SearchIndex | TailingIndex | None = None
        self._notes = notes = Notes(connection, self.cipher, self._capacity.max_embeddings)
        self._leases = Leases(connection)
        self._apart = Apart(values, Outbox(connection))
        self.count, self.counts = notes.count, notes.counts
        self.learnt, self.labels = notes.learnt, notes.labels
        self.save_state, self.saved_state = notes.save_state, notes.saved_state
        self.embedding, self.keep_embedding = notes.embedding, notes.keep_embedding
        self.touch, self.flush = notes.touch, notes.flush
        self.lease, self.leased = self._leases.lease, self._leases.leased
        self.release = self._leases.release
        try:
            _ = connection.kind
        except connection.refused as error:
            raise InputError(
                f"the server refuses ({error}); the cache needs Redis or Valkey from version 7, "
                "not a read-only replica, and a user who may run EVAL and INFO"
            ) from error
        except connection.away as error:
            log.warning("the Redis server is away, every question is a miss until then: %s", error)

    @property
    def vectors(self) -> str:
        """Where vectors are searched: `sets`, `search` or `local`."""
        return self._connection.kind

    def fence(self) -> int:
        """The registry's epoch: read it before the model is called, give it to `put`."""
        return int(self._connection.run("fence"))

    def exact(self, place: Place, terms: Terms) -> Entry | None:
        """The answer to this very question."""
        where = (place.scope.hex(), place.question.hex(), 0)
        _, rows = self._connection.run("read", *where, *terms_of(terms), _COLUMNS)
        found = self._read(rows, None)
        return found[0][0] if found and found[0] else None

    def nearest(
        self, scope: bytes, vector: "Floats", k: int, terms: Terms
    ) -> list[tuple[Entry, float]]:
        """Answers to the questions nearest to a vector and their cosines, best first."""
        rows: list[list[bytes | None]] = []
        for _ in range(ROUNDS):
            ids = self._index().search(scope, vector, k + SURPLUS_NEIGHBOURS)
            if not ids:
                return []
            given = (scope.hex(), "", len(vector), *terms_of(terms), _COLUMNS, *ids)
            removed, rows = self._connection.run("read", *given)
            if not removed:
                break
        found = [each for each in self._read(rows, vector) if each]
        return sorted(found, key=lambda each: -each[1])[:k]

    def servable(self, entry_id: int, terms: Terms) -> bool:
        """Whether an entry read before may still be served."""
        return bool(self._connection.run("servable", entry_id, *terms_of(terms)))

    def evidence(self, entry_id: int) -> tuple[Evidence, ...]:
        """What an entry was built from."""
        return unpack(self._connection.run("evidence", entry_id))

    def put(self, entry: NewEntry, *, fence: int | None) -> Written:
        """Keep an answer in place of an older one, unless what it was built from moved."""
        self.flush()
        if entry.vector is not None:
            self._index().ready(len(entry.vector))
        row, said = to_row(self.cipher, entry), answer_digest(self.cipher, entry.answer)

        def write(value: str) -> Written:
            shown = self._connection.kind != "local"
            return self._write(
                arguments(entry, row, said, fence, self._capacity, value=value, shown=shown)
            )

        return self._apart.written(row, said, write)

    def _write(self, given: list[object]) -> Written:
        verdict, evicted = self._connection.run("put", *given)
        if evicted:
            self.count("evicted", evicted)
        written: Written = verdict.decode()
        return written

    def invalidate(self, document_id: str) -> int:
        """Forget the answers built from a document; how many there were."""
        gone = int(self._connection.run("invalidate", raw(document_id), insist=True))
        self._apart.tidy()
        return gone

    def move(self, document_id: str, version: str) -> int:
        """Declare a document's version; forget answers built from others, how many there were."""
        if not version:
            raise InputError("a version cannot be empty; use invalidate() when there is none")
        gone = int(self._connection.run("move", raw(document_id), raw(version), insist=True))
        self._apart.tidy()
        return gone

    def grow(self, corpus: str, growth: Growth) -> int:
        """Mark a corpus's answers that new chunks may concern for a second look; how many.

        Reads every vector of the corpus. Answers that come while it does need no mark, or get one
        when they are written.
        """
        marked = 0
        for name in self._connection.run("grow", raw(corpus), insist=True):
            for rows in stored(self._connection, bytes.fromhex(name.decode())):
                index = ScopeIndex()
                index.add(rows, self.cipher)
                if index.vectors is None or index.vectors.dimensions != growth.vectors.shape[1]:
                    continue
                found = index.vectors.within(growth.vectors, FAR)
                near = growth.concerned(found, partial(self._entries, name))
                marked += int(self._connection.run("mark", *near)) if near else 0
        return marked

    def _entries(self, scope: bytes, ids: list[int]) -> dict[int, Entry | None]:
        given = (scope, "", 0, *terms_of(Terms(time.time())), _COLUMNS, *ids)
        _, rows = self._connection.run("read", *given)
        found = self._read(rows, None)
        return {int(row[0] or 0): each and each[0] for row, each in zip(rows, found, strict=True)}

    def clear(self) -> None:
        """Forget every answer at once, drop those that are being made, then free the memory."""
        self._notes.forget()
        self._connection.run("clear", insist=True)
        while self._connection.run("purge"):
            pass
        self._apart.tidy()

    def size(self) -> tuple[int, int]:
        """Entries, and their bytes."""
        return size(self._connection)

    def close(self) -> None:
        """Write what was held back, if the server is there; a client that was given stays open."""
        try:
            self.flush()
        except self._connection.away as error:
            log.warning("counts and servings were lost, the Redis server is away: %s", error)
        self._connection.close()

    def _index(self) -> VectorSets | SearchIndex | TailingIndex:
        kind = self._connection.kind
        if self._near is None:
            if kind == "sets":
                self._near = VectorSets(self._connection)
            elif kind == "search":
                self._near = SearchIndex(self._connection)
            else:
                self._near = TailingIndex(self._connection, self.cipher, self._count_unreadable)
        return self._near

    def _greet(self, connection: Connection) -> str:
        """A wrong key would find nothing and write what nobody else can read."""
        sealed, recorded = connection.run_as("", "greet", self.cipher.seal(LOCK))
        if not opens(self.cipher, sealed):
            raise InputError(
                f"the key does not fit the answers under {connection.prefix!r}; open them with the "
                "key (or without one) that they were made with, or choose another prefix"
            )
        return choose(connection, self._wanted, recorded.decode(), encrypted=self._encrypted)

    def _read(
        self, rows: list[list[bytes | None]], vector: "Floats | None"
    ) -> list[tuple[Entry, float] | None]:
        return [self._entry(row, vector) for row in self._apart.together(rows)]

    def _entry(
        self, row: Sequence[bytes | None], vector: "Floats | None"
    ) -> tuple[Entry, float] | None:
        try:
            return read(self.cipher, row, vector)
        except UnreadableError:
            self._count_unreadable(1)
            return None

    def _count_unreadable(self, number: int) -> None:
        self.count("unreadable", number)
