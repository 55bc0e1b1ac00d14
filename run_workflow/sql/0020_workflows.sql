-- Workflows: the definitions that runs are bound to, and what runs wait for beside people.

-- A definition as it was when a run of it began. Its hash covers the definitions that its steps run.
CREATE TABLE definitions (
    hash text PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    -- The text of the file.
    source text NOT NULL,
    -- By the name that a step uses: the hash of the definition that it runs.
    uses json NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX definitions_version ON definitions (name, version, stored_at DESC);

-- Times and events that steps wait for. One thing ends a wait: an event, its time, or the end of the run.
CREATE TABLE waits (
    run_id text NOT NULL REFERENCES runs (id),
    id text NOT NULL,
    path text NOT NULL,
    -- NULL where only a time is waited for.
    event text,
    wakes_at timestamptz,
    status text NOT NULL CHECK (status IN ('pending', 'answered', 'expired', 'withdrawn')),
    -- The data of the event that ended it.
    data json,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, id)
);

CREATE INDEX waits_pending ON waits (run_id) WHERE status = 'pending';

-- Events as they came, also before a step waits for them. Each ends one wait, the oldest of its name.
CREATE TABLE events (
    run_id text NOT NULL REFERENCES runs (id),
    number bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    data json NOT NULL,
    sent_by text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    -- The wait that it ended.
    wait_id text,
    PRIMARY KEY (run_id, number)
);

CREATE INDEX events_free ON events (run_id, name, number) WHERE wait_id IS NULL;

-- Seconds that processes worked on the run, waiting left out.
ALTER TABLE runs ADD COLUMN worked double precision NOT NULL DEFAULT 0;
