-- How a feed behaves, learned from its polls, and what it says of itself.
ALTER TABLE feed ADD COLUMN source BLOB;                               -- 16 bytes of where the config said that it is
ALTER TABLE feed ADD COLUMN every INTEGER;                             -- seconds that it says a reading is good for
ALTER TABLE feed ADD COLUMN skip_hours INTEGER NOT NULL DEFAULT 0;     -- a bit for each hour in which it sleeps
ALTER TABLE feed ADD COLUMN skip_days INTEGER NOT NULL DEFAULT 0;      -- a bit for each day of the week, Monday's the lowest
ALTER TABLE feed ADD COLUMN usual_arrivals REAL NOT NULL DEFAULT 0;    -- over about a week, fading …
ALTER TABLE feed ADD COLUMN usual_hours REAL NOT NULL DEFAULT 0;       -- … and in how many hours
ALTER TABLE feed ADD COLUMN recent_arrivals REAL NOT NULL DEFAULT 0;   -- the same over about two hours
ALTER TABLE feed ADD COLUMN recent_hours REAL NOT NULL DEFAULT 0;
ALTER TABLE feed ADD COLUMN arrivals INTEGER;                          -- that its last document holds
ALTER TABLE feed ADD COLUMN gap INTEGER;                               -- when a document last shared no entry with the one before
