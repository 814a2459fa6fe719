"""The tables of a router's log."""

from ragthrift.database import Layout

TABLES = (
    """CREATE TABLE IF NOT EXISTS calls (
       id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, question TEXT NOT NULL,
       history TEXT NOT NULL, passages TEXT NOT NULL, prompt_tokens INTEGER, chosen TEXT NOT NULL,
       kind TEXT NOT NULL, reason TEXT NOT NULL, qualities TEXT NOT NULL, costs TEXT NOT NULL,
       propensity REAL NOT NULL, served TEXT, action TEXT NOT NULL, escalated INTEGER NOT NULL,
       error TEXT, shadow_share REAL NOT NULL, strongest_dollars REAL,
       asked_again INTEGER NOT NULL DEFAULT 0, thumbs REAL)""",
    """CREATE TABLE IF NOT EXISTS attempts (
       id INTEGER PRIMARY KEY AUTOINCREMENT, call INTEGER NOT NULL, tier TEXT NOT NULL,
       model TEXT NOT NULL, purpose TEXT NOT NULL, input_tokens INTEGER, output_tokens INTEGER,
       cache_read_tokens INTEGER, cache_write_tokens INTEGER, estimated INTEGER NOT NULL,
       dollars REAL, seconds REAL NOT NULL, text TEXT NOT NULL, error TEXT, fault TEXT,
       findings TEXT NOT NULL, schema_pass INTEGER, grounded REAL, served INTEGER NOT NULL,
       quality REAL)""",
    "CREATE INDEX IF NOT EXISTS attempts_by_call ON attempts (call)",
    """CREATE TRIGGER IF NOT EXISTS call_removed AFTER DELETE ON calls BEGIN
       DELETE FROM attempts WHERE call = old.id; END""",
)

LAYOUT = Layout("router's log", 1, TABLES)
