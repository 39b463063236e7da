-- Feeds whose ids change with each fetch: learned over several documents, and then not believed any more.
ALTER TABLE feed ADD COLUMN ids_changed INTEGER NOT NULL DEFAULT 0;  -- documents in a row with known texts under new ids
ALTER TABLE feed ADD COLUMN ids_change INTEGER NOT NULL DEFAULT 0;   -- 1: addresses and words are the ids
