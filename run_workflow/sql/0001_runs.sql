-- Runs and what they did. Lease times are the server's clock, so that no machine's own clock decides who holds a run.
--
-- Open data (inputs, results, requests) is `json`, not `jsonb`: `json` keeps the text as it was written, so that a
-- replayed call gets what the first one got and an audit hash can be recomputed; it also takes \u0000.

CREATE TABLE runs (
    id text PRIMARY KEY,
    graph text NOT NULL,
    definition text NOT NULL,
    status text NOT NULL CHECK (status IN (
        'initializing', 'running', 'paused', 'waiting_approval', 'completed', 'failed', 'timed_out', 'cancelled',
        'rolling_back', 'rolled_back', 'rollback_failed')),
    input json NOT NULL,
    context json NOT NULL,
    dedup_key text UNIQUE,
    parent text REFERENCES runs (id),
    output json,
    error text,
    cancel_requested_by text,
    -- Ids of the requests that the run waits for.
    waiting_for text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    -- The lease: who may write for the run. Each new holder gets the next fence; writes with an older one are refused.
    fence bigint NOT NULL DEFAULT 0,
    lease_owner text,
    lease_since timestamptz,
    lease_until timestamptz,
    -- The head of the audit chain, so that rows missing at its end are noticed.
    audit_seq bigint NOT NULL DEFAULT 0,
    audit_hash text NOT NULL DEFAULT ''
);

-- It makes `fence` a key column: a writer's FOR KEY SHARE then waits for a new holder, which changes the fence,
-- but neither for the renewal of the lease nor for a change of status.
CREATE UNIQUE INDEX runs_fence ON runs (id, fence);
CREATE INDEX runs_created ON runs (created_at DESC);
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;

CREATE TABLE step_runs (
    run_id text NOT NULL REFERENCES runs (id),
    path text NOT NULL,
    iteration integer NOT NULL,
    status text NOT NULL CHECK (status IN (
        'pending', 'waiting', 'running', 'retrying', 'completed', 'failed', 'skipped', 'cancelled', 'compensated')),
    attempts integer NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    error text,
    result json,
    PRIMARY KEY (run_id, path, iteration)
);

CREATE TABLE calls (
    run_id text NOT NULL REFERENCES runs (id),
    path text NOT NULL,
    request_hash text NOT NULL,
    occurrence integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('model', 'tool')),
    name text NOT NULL,
    response json NOT NULL,
    model_calls integer NOT NULL,
    tool_calls integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    money double precision NOT NULL,
    unpriced_calls integer NOT NULL,
    seconds double precision NOT NULL,
    -- The call was made, and paid for, by the run that this one was forked from.
    copied boolean NOT NULL DEFAULT false,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, path, request_hash, occurrence)
);

CREATE TABLE approvals (
    run_id text NOT NULL REFERENCES runs (id),
    id text NOT NULL,
    point text NOT NULL,
    request json NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'answered', 'expired', 'withdrawn')),
    answer json,
    answered_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    answered_at timestamptz,
    PRIMARY KEY (run_id, id)
);

CREATE INDEX approvals_pending ON approvals (run_id) WHERE status = 'pending';

CREATE TABLE audit (
    run_id text NOT NULL REFERENCES runs (id),
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    event text NOT NULL,
    data json NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only: % is refused', TG_OP;
END
$$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
