-- Subscriptions at WebSub hubs. One of a feed is wanted at most; others are on their way out.
CREATE TABLE websub (
    token      TEXT PRIMARY KEY,       -- in the path of the callback; who knows it is the hub
    feed       TEXT NOT NULL,          -- its id
    hub        TEXT NOT NULL,
    topic      TEXT NOT NULL,          -- the feed's own address, as the hub knows it
    secret     TEXT NOT NULL,          -- signs what the hub pushes
    state      TEXT NOT NULL CHECK (state IN ('advertised', 'asked', 'verified', 'denied', 'leaving')),
    made       INTEGER NOT NULL,       -- when the document first named this hub and topic
    base       TEXT,                   -- the public address under which the hub was asked
    due        INTEGER NOT NULL,       -- when the hub is next asked
    lease_end  INTEGER,                -- when the hub stops by itself
    failures   INTEGER NOT NULL DEFAULT 0,  -- requests in a row that it has not confirmed
    unfit      INTEGER NOT NULL DEFAULT 0,  -- 1: it pushes badly, so polls are not spared
    trouble    TEXT                    -- what went wrong last
) WITHOUT ROWID;
CREATE UNIQUE INDEX websub_of_feed ON websub (feed) WHERE state <> 'leaving';
CREATE INDEX websub_due ON websub (due);
