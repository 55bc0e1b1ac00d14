-- What a run of a workflow keeps of its definition from its start (state/workflow/terms.py); NULL for other graphs.
ALTER TABLE runs ADD COLUMN terms json;

-- What others are to be told of runs: written with the event, sent by whoever drives runs, again until it is taken.
CREATE TABLE outbox (
    -- The same at every try: whoever is told twice can know it.
    id text PRIMARY KEY,
    run_id text NOT NULL REFERENCES runs (id),
    -- A notification channel or a webhook endpoint, as the definition has it.
    target json NOT NULL,
    body text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    -- NULL once it was taken, or given up.
    next_at timestamptz DEFAULT clock_timestamp(),
    sent_at timestamptz,
    error text
);

CREATE INDEX outbox_due ON outbox (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX outbox_of ON outbox (run_id);
