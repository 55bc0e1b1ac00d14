"""The workflows that come with Stretto, for `langgraph.json`; tests/run_workflow/test_studio_files.py has them all."""

from run_workflow.studio.workflows import workflow

expense_approval = workflow("expense_approval")
