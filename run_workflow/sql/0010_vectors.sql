-- Vectors of passages for search by meaning: computed once for each model.

CREATE TABLE vectors (
    model text NOT NULL,
    passage_id text NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
    -- float32, little-endian, scaled to length 1.
    vector bytea NOT NULL,
    PRIMARY KEY (model, passage_id)
);
