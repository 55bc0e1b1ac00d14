-- NULL where events that were sent before the wait began count, too; the rows of both are written under the run's lock.
ALTER TABLE waits ADD COLUMN since timestamptz;
