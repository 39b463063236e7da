-- What people were told of a feed's health, so that each thing is told once.
ALTER TABLE feed ADD COLUMN failing_since INTEGER;                     -- the first of the failures in a row
ALTER TABLE feed ADD COLUMN failing_polls INTEGER NOT NULL DEFAULT 0;  -- how many there are
ALTER TABLE feed ADD COLUMN failing_told INTEGER NOT NULL DEFAULT 0;   -- 1: people have heard of it
ALTER TABLE feed ADD COLUMN last_new INTEGER;                          -- when it last had something new
ALTER TABLE feed ADD COLUMN longest_gap INTEGER;                       -- seconds from one arrival to the next, at the longest
ALTER TABLE feed ADD COLUMN silent_told INTEGER NOT NULL DEFAULT 0;    -- 1: people have heard that it is silent
CREATE INDEX feed_failing ON feed (feed) WHERE failures > 0;
CREATE INDEX event_by_type ON event (type, made);
