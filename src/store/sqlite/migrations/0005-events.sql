-- What people shall hear of beside alerts: feeds and sinks that fail, batches of alerts. The body is frozen, as an alert's is.
CREATE TABLE event (
    event  INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    type   TEXT NOT NULL,
    made   INTEGER NOT NULL,
    body   TEXT NOT NULL
);
CREATE INDEX event_by_time ON event (made);

-- One row for each message and sink: of an alert or of an event. It ends as delivered, dead or discarded, never by
-- vanishing. SQLite can't take NOT NULL from a column, so the table is built anew.
CREATE TABLE outbox_anew (
    delivery       INTEGER PRIMARY KEY,
    alert          INTEGER REFERENCES alert,
    event          INTEGER REFERENCES event,
    sink           TEXT NOT NULL,
    state          TEXT NOT NULL DEFAULT 'pending'
                   CHECK (state IN ('pending', 'batched', 'delivered', 'dead', 'discarded')),
    due            INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    first_attempt  INTEGER,
    last_attempt   INTEGER,
    last_status    INTEGER,             -- HTTP status of the last answer
    last_error     TEXT,
    ended          INTEGER,             -- when it was delivered, given up or discarded
    batch          INTEGER,             -- the row that this one is sent in; it shares that row's end
    UNIQUE (alert, sink),
    UNIQUE (event, sink),
    CHECK ((alert IS NULL) <> (event IS NULL))
);
INSERT INTO outbox_anew (delivery, alert, sink, state, due, attempts, first_attempt, last_attempt, last_status,
        last_error, ended)
    SELECT delivery, alert, sink, state, due, attempts, first_attempt, last_attempt, last_status, last_error, ended
    FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_anew RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (sink, due, delivery) WHERE state = 'pending';
CREATE INDEX outbox_due_event ON outbox (sink, due, delivery) WHERE state = 'pending' AND event IS NOT NULL;
CREATE INDEX outbox_oldest ON outbox (sink, delivery) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (sink, delivery) WHERE state = 'dead';
CREATE INDEX outbox_ended ON outbox (ended) WHERE state IN ('delivered', 'discarded');
CREATE INDEX outbox_batch ON outbox (batch) WHERE batch IS NOT NULL;

-- How each sink does: what survives a restart, and what people ask of it by command.
CREATE TABLE sink (
    sink           TEXT PRIMARY KEY,    -- its id
    version        INTEGER NOT NULL DEFAULT 0,  -- counts what people asked, so that a worker overwrites none of it
    target         BLOB,                -- 16 bytes of where it sends to: somewhere else is a fresh start
    paused         INTEGER,             -- since when it is not sent to, by command
    disabled       INTEGER,             -- since when it takes nothing: it said that it is gone
    failures       INTEGER NOT NULL DEFAULT 0,  -- in a row, over all its rows
    failing_since  INTEGER,             -- the first of them
    last_failure   TEXT,
    last_success   INTEGER,
    down           INTEGER,             -- since when it is only probed
    probe_at       INTEGER,             -- when the next probe goes out
    probe          INTEGER,             -- the row that it is; null: the first that is due
    probes         INTEGER NOT NULL DEFAULT 0,  -- in vain
    told           INTEGER,             -- when the other sinks were told that it fails
    gone           INTEGER NOT NULL DEFAULT 0,  -- answers 410 in a row …
    gone_since     INTEGER,             -- … and the first of them
    hold_until     INTEGER              -- it asked for a pause
) WITHOUT ROWID;

-- Counts what commands changed in the outbox and of sinks; the daemon looks twice a second.
CREATE TABLE outbox_asked (count INTEGER NOT NULL);
INSERT INTO outbox_asked VALUES (0);
