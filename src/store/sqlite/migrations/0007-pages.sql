-- Pages of articles that are wanted: fetched once their host's turn has come, tried again where that failed.
CREATE TABLE page (
    feed        INTEGER NOT NULL REFERENCES feed,
    hash        BLOB NOT NULL,          -- the entry's
    url         TEXT NOT NULL,
    host        TEXT NOT NULL,          -- of the URL
    key         TEXT NOT NULL,          -- of the article, across feeds
    due         INTEGER,                -- null: given up
    not_before  INTEGER,                -- the host asked to be left alone until then
    attempts    INTEGER NOT NULL DEFAULT 0,
    error       TEXT,                   -- of the last attempt
    PRIMARY KEY (feed, hash)
) WITHOUT ROWID;
CREATE INDEX page_due ON page (host, due) WHERE due IS NOT NULL;
CREATE INDEX page_url ON page (url) WHERE due IS NOT NULL;
