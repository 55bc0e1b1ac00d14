-- What was read and what was made: stored once by content, used by all runs.

CREATE TABLE sources (
    id text PRIMARY KEY,
    uri text NOT NULL,
    title text NOT NULL,
    kind text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    date text
);

CREATE TABLE passages (
    id text PRIMARY KEY,
    source_id text NOT NULL REFERENCES sources (id),
    -- Place in the source, counted from 0.
    ord integer NOT NULL,
    locator jsonb NOT NULL,
    text text NOT NULL
);

-- Computed passages appear while others search; what is searched must stay the same, so they are left out of it.
CREATE INDEX passages_read ON passages (source_id, ord) WHERE locator ->> 'computed' IS NULL;

CREATE TABLE collections (
    id text PRIMARY KEY,
    sources integer NOT NULL,
    passages integer NOT NULL,
    tables json NOT NULL,
    skipped json NOT NULL
);

CREATE TABLE collection_sources (
    collection_id text NOT NULL REFERENCES collections (id),
    source_id text NOT NULL REFERENCES sources (id),
    PRIMARY KEY (collection_id, source_id)
);

CREATE TABLE artifacts (
    sha256 text PRIMARY KEY,
    media_type text NOT NULL,
    name text NOT NULL,
    bytes bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
