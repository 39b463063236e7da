-- The first schema. Times are milliseconds since 1970 in UTC. What is looked up for every entry of every poll (`entry`)
-- is kept apart from what is long and seldom read (`article`).

-- What a feed's polls left behind. Integer keys keep the entries' rows short.
CREATE TABLE feed (
    feed            INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    title           TEXT,               -- what it calls itself
    moved_to        TEXT,               -- where every hop was permanent
    validator_url   TEXT,               -- validators go back to the URL that gave them, to no other
    etag            BLOB,
    last_modified   BLOB,
    body_hash       BLOB,
    first_document  INTEGER,            -- when it first answered well; null: its backlog is still to come
    last_document   INTEGER,            -- when a document with entries was last read
    last_poll       INTEGER NOT NULL,
    last_success    INTEGER,
    outcome         TEXT NOT NULL,      -- new, unchanged, not_modified, error, gone
    error_class     TEXT,
    error_message   TEXT,
    failures        INTEGER NOT NULL,   -- in a row
    next_poll       INTEGER NOT NULL,
    next_reason     TEXT NOT NULL,
    notes           TEXT                -- of the last document, a line each
);

-- Readable articles. The newest form of an edited one; forgotten after `retain`.
CREATE TABLE article (
    article      INTEGER PRIMARY KEY,   -- grows with `fetched`
    feed         INTEGER NOT NULL REFERENCES feed,
    fetched      INTEGER NOT NULL,
    published    INTEGER,
    updated      INTEGER,
    lang         TEXT,
    text_source  TEXT NOT NULL,
    id_kind      TEXT NOT NULL,
    id           TEXT NOT NULL,
    url          TEXT,
    title        TEXT NOT NULL,
    authors      TEXT,                  -- a line each
    categories   TEXT,                  -- a line each
    summary      TEXT,                  -- null too where `text` is the same
    text         TEXT NOT NULL
);

-- Every id that was seen in a feed and what it said: the memory that keeps an article from being new twice.
CREATE TABLE entry (
    feed         INTEGER NOT NULL REFERENCES feed,
    hash         BLOB NOT NULL,         -- 16 bytes of the id
    fingerprint  INTEGER NOT NULL,      -- of title, summary and content; another one is an edit
    article      INTEGER,               -- null once the text is forgotten
    seen         INTEGER NOT NULL,      -- last time in the feed, to a day
    dated        INTEGER NOT NULL,      -- published, else first fetched
    words        INTEGER NOT NULL,
    key_hash     BLOB NOT NULL,         -- 8 bytes of the key across feeds
    text_hash    BLOB,                  -- 8 bytes of the key of its text
    PRIMARY KEY (feed, hash)
) WITHOUT ROWID;

-- Alerts, in the order in which they were made. The body is frozen: every attempt sends these bytes.
CREATE TABLE alert (
    alert     INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    watch     TEXT NOT NULL,
    severity  TEXT NOT NULL,
    feed      INTEGER NOT NULL REFERENCES feed,
    made      INTEGER NOT NULL,
    held      TEXT,                     -- why it was not sent
    body      TEXT NOT NULL
);
CREATE INDEX alert_by_watch ON alert (watch, alert);
CREATE INDEX alert_by_time ON alert (made);

-- Under which names of an article a watch has already alerted: its key, its text's key, its id in each feed.
CREATE TABLE alerted (
    watch     TEXT NOT NULL,
    identity  BLOB NOT NULL,            -- 16 bytes
    alert     INTEGER NOT NULL REFERENCES alert,
    PRIMARY KEY (watch, identity)
) WITHOUT ROWID;

-- One row for each alert and sink. It ends as delivered or dead, never by vanishing.
CREATE TABLE outbox (
    delivery       INTEGER PRIMARY KEY,
    alert          INTEGER NOT NULL REFERENCES alert,
    sink           TEXT NOT NULL,
    state          TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    due            INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    first_attempt  INTEGER,
    last_attempt   INTEGER,
    last_status    INTEGER,             -- HTTP status of the last answer
    last_error     TEXT,
    ended          INTEGER,             -- when it was delivered or given up
    UNIQUE (alert, sink)
);
CREATE INDEX outbox_due ON outbox (sink, due, delivery) WHERE state = 'pending';
CREATE INDEX outbox_oldest ON outbox (sink, delivery) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (sink, delivery) WHERE state = 'dead';
CREATE INDEX outbox_delivered ON outbox (ended) WHERE state = 'delivered';
