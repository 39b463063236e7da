-- What people ask of a feed by command. A table of its own, so that a feed can be paused before it was ever polled.
CREATE TABLE wish (
    feed        TEXT PRIMARY KEY,       -- its id
    paused      INTEGER,                -- since when it is not polled
    poll_asked  INTEGER                 -- when a poll was asked for; null once the daemon has taken it
) WITHOUT ROWID;
