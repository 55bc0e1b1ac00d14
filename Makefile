# Each target makes what it needs: .venv comes from the lock files and nothing else.
# Without make, call scripts/run and scripts/test.

PYTHON ?= python3
ARGS ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test lint type studio lock clean

help: ## Show this list
	@awk -F ': ## ' '/^[a-z]+:.* ## /{ sub(/:.*/, "", $$1); printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  PYTHON=python3.12 chooses the interpreter for .venv (3.11 or newer)"

run: ## Answer the example question: a cited report, no key, no server
	@scripts/run

test: ## Run every check and all tests; ARGS="-k name" is handed to pytest
	@scripts/test $(ARGS)

lint: ## Check style and form with ruff
	@scripts/environment dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

type: ## Check types with mypy --strict
	@scripts/environment dev
	.venv/bin/mypy

studio: ## Serve research and all workflows to LangGraph Studio
	@scripts/environment dev
	.venv/bin/python -m run_workflow studio

# Versions stay as they are where they still fit; UPGRADE=--upgrade takes the newest.
# uv reads no configuration of pip: a package index of your own goes into UV_DEFAULT_INDEX. It is not written down.
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE) pyproject.toml
UPGRADE ?=

lock: ## Make both lock files anew from pyproject.toml
	@scripts/environment run
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --extra mcp --extra studio --extra embeddings --extra duckdb --extra web --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove .venv and what the checks leave behind
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .langgraph_api
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
