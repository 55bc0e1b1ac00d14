-- How many tables an analysis can load from a source; sources are read again by the version that counts them.

ALTER TABLE sources ADD COLUMN tables integer NOT NULL DEFAULT 0;
