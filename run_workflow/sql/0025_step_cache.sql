-- Outputs of steps that are used again by other runs of their workflow.

CREATE TABLE step_cache (
    -- SHA-256 of the workflow's name, the step as it is written, and what its output follows from.
    key text PRIMARY KEY,
    result jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX step_cache_expires_at ON step_cache (expires_at);
