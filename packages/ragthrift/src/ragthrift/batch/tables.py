"""The tables in which jobs, their requests and their batches are kept."""

from ragthrift.database import Layout

LAYOUT = Layout(
    kind="batch store",
    version=1,
    tables=(
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            digest TEXT NOT NULL,
            provider TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            created_at REAL NOT NULL,
            cancelled INTEGER NOT NULL DEFAULT 0,
            quiet_until REAL NOT NULL DEFAULT 0
        ) STRICT""",
        """CREATE TABLE requests (
            job TEXT NOT NULL REFERENCES jobs (id),
            number INTEGER NOT NULL,
            id TEXT NOT NULL,
            request_type TEXT NOT NULL,
            max_tokens INTEGER,
            body TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting',
            part TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            error TEXT NOT NULL DEFAULT '',
            answer TEXT,
            booked INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (job, number),
            UNIQUE (job, id)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX requests_by_state ON requests (job, state, number)",
        "CREATE INDEX requests_by_part ON requests (part)",
        """CREATE TABLE parts (
            token TEXT PRIMARY KEY,
            job TEXT NOT NULL REFERENCES jobs (id),
            step TEXT NOT NULL,
            count INTEGER NOT NULL,
            begun_at REAL NOT NULL,
            mark TEXT NOT NULL DEFAULT '',
            upload TEXT,
            batch TEXT,
            not_before REAL NOT NULL DEFAULT 0,
            refusals INTEGER NOT NULL DEFAULT 0,
            cancelling INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX parts_of_jobs ON parts (job, step)",
    ),
    pragmas=("synchronous=FULL",),
)
"""`parts` are the provider's batches; a step is noted before it is taken.

    planned -> uploading -> uploaded -> submitting -> submitted -> ended -> closed

A note must outlive the machine, too, or a batch would be submitted and paid for twice.
"""
