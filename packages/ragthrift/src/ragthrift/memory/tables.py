"""The tables of a transcript."""

from dataclasses import asdict

from ragthrift.database import Layout
from ragthrift.memory.account import Account

VERSION = 1
_MARK = 0x7274
"""Tells a transcript from the other files of this library."""
_SUMS = ", ".join(f"{name} NOT NULL DEFAULT 0" for name in asdict(Account()))

TABLES = (
    """CREATE TABLE IF NOT EXISTS turns (
       session TEXT NOT NULL, id TEXT NOT NULL, after TEXT NOT NULL, message TEXT NOT NULL,
       tokens INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (session, id)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS heads (session TEXT PRIMARY KEY, head TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS states (
       session TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL)""",
    f"CREATE TABLE IF NOT EXISTS accounts (session TEXT PRIMARY KEY, {_SUMS})",
    """CREATE TABLE IF NOT EXISTS leases (
       session TEXT PRIMARY KEY, token TEXT NOT NULL, ends REAL NOT NULL)""",
)

LAYOUT = Layout(
    "transcript",
    _MARK + VERSION,
    TABLES,
    pragmas=("secure_delete=ON",),  # what a user asked to forget is not left in free pages
)
