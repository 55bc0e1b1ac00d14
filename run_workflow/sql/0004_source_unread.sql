-- What in a source could not be read, a text each: pages that are pictures.

ALTER TABLE sources ADD COLUMN unread jsonb NOT NULL DEFAULT '[]';
