-- The work of agents among all steps: `run_workflow/stores/history.py` counts it whenever an agent is chosen.
CREATE INDEX step_runs_agents ON step_runs (split_part(path, '@', 2), started_at DESC)
    WHERE strpos(path, '@') > 0 AND status IN ('completed', 'failed');
