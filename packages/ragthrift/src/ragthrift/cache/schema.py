"""The tables of the file.

An entry is one row: its vector lies beside its value, so that neither can be lost or left behind
without the other. Whoever deletes a row leaves a tombstone, by which the indexes that other threads
and processes hold in memory follow.
"""

from ragthrift.database import Layout

VERSION = 2
UPGRADES = {1: "ALTER TABLE entries ADD COLUMN extra BLOB"}
"""By the version that a file has: what makes it the next one."""

TABLES = (
    """CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS scopes (scope BLOB PRIMARY KEY, corpus TEXT NOT NULL)
       WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS corpora (corpus TEXT PRIMARY KEY, grown INTEGER NOT NULL)
       WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS documents (
       document TEXT PRIMARY KEY, version TEXT NOT NULL, moved INTEGER NOT NULL,
       declared INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS entries (
       id INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL, place BLOB NOT NULL,
       question BLOB NOT NULL, answer BLOB NOT NULL, vector BLOB, checksum BLOB NOT NULL,
       grouping TEXT NOT NULL, right_count INTEGER NOT NULL DEFAULT 0,
       wrong_count INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL,
       recheck INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, soft_end REAL NOT NULL,
       ends REAL NOT NULL, hits INTEGER NOT NULL DEFAULT 0, cost REAL NOT NULL,
       size INTEGER NOT NULL, priority REAL NOT NULL, extra BLOB, UNIQUE (scope, place))""",
    "CREATE INDEX IF NOT EXISTS entries_by_scope ON entries (scope, id)",
    "CREATE INDEX IF NOT EXISTS entries_by_end ON entries (ends)",
    "CREATE INDEX IF NOT EXISTS entries_by_priority ON entries (priority)",
    """CREATE TABLE IF NOT EXISTS evidence (
       entry INTEGER NOT NULL, document TEXT NOT NULL, version TEXT NOT NULL,
       chunk TEXT NOT NULL, PRIMARY KEY (entry, document, chunk, version)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS evidence_by_document ON evidence (document, entry)",
    """CREATE TABLE IF NOT EXISTS users (
       entry INTEGER NOT NULL, user BLOB NOT NULL, PRIMARY KEY (entry, user)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS tombstones (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL, entry INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS tombstones_by_scope ON tombstones (scope, seq)",
    """CREATE TABLE IF NOT EXISTS leases (
       scope BLOB NOT NULL, place BLOB NOT NULL, token BLOB NOT NULL, ends REAL NOT NULL,
       PRIMARY KEY (scope, place)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS labels (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL,
       would_serve INTEGER NOT NULL, confidence REAL NOT NULL, agreement TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, number INTEGER NOT NULL)
       WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS embeddings (
       id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE,
       vector BLOB NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
       UPDATE facts SET value = value + 1 WHERE name = 'entries';
       UPDATE facts SET value = value + new.size WHERE name = 'bytes'; END""",
    """CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
       UPDATE facts SET value = value - 1 WHERE name = 'entries';
       UPDATE facts SET value = value - old.size WHERE name = 'bytes';
       DELETE FROM evidence WHERE entry = old.id;
       DELETE FROM users WHERE entry = old.id;
       INSERT INTO tombstones (scope, entry) VALUES (old.scope, old.id); END""",
)

APART = (
    "CREATE TABLE IF NOT EXISTS dropped (value TEXT PRIMARY KEY) WITHOUT ROWID",
    """CREATE TRIGGER IF NOT EXISTS value_dropped AFTER DELETE ON entries
       WHEN length(old.extra) = 0 BEGIN
       INSERT OR IGNORE INTO dropped VALUES (lower(hex(substr(old.answer, 1, 16)))); END""",
)
"""For a file whose answers lie in a key-value store: the keys of those to be deleted there."""

FACTS = """INSERT OR IGNORE INTO facts VALUES ('entries', 0), ('bytes', 0), ('epoch', 0),
    ('cleared', 0), ('inflation', 0.0), ('forgotten', 0)"""
"""`epoch` counts the moves of documents; `forgotten` is the last tombstone that was dropped."""

LAYOUT = Layout("cache", VERSION, TABLES, UPGRADES, rows=(FACTS,))

SERVABLE = """
    entries.ends > :now
    AND (:min_users <= 1
         OR EXISTS (SELECT 1 FROM users WHERE entry = entries.id AND user = :user)
         OR (SELECT count(*) FROM users WHERE entry = entries.id) >= :min_users)
    AND NOT EXISTS (
        SELECT 1 FROM evidence JOIN documents ON documents.document = evidence.document
        WHERE evidence.entry = entries.id AND CASE
            WHEN evidence.version <> '' AND documents.version <> ''
            THEN evidence.version <> documents.version
            ELSE documents.moved > entries.epoch END)"""
"""Moved documents take their entries with them; this holds even where that was not so."""
