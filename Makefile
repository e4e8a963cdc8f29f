# Everything is done by scripts/; this file names the commands.

PYTHON ?= python3
# Empty unless the person named a Python.
export CHOSEN_PYTHON := $(filter-out file,$(origin PYTHON))
scripts = @command -v $(PYTHON) > /dev/null || { echo "Outcry needs Python 3.11 or newer: no $(PYTHON) here." >&2; exit 1; }; exec $(PYTHON) -m scripts

.DEFAULT_GOAL := help
.PHONY: help run cluster setup test check format bench bench-cluster chaos requirements audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing, then serve on http://127.0.0.1:$PORT (8000)
	$(scripts) run

cluster: ## The same past one process: PostgreSQL, Redis, nginx, two web processes, two workers
	$(scripts) cluster

setup: ## Set up what is missing: packages, front end, local model, database
	$(scripts) setup

test: ## Run every test; ARGS="-k word" goes to pytest
	$(scripts) test $(ARGS)

check: ## Lint, formatting, types, imports, migrations, deployment settings
	$(scripts) check

format: ## Repair what lint can repair, and format
	$(scripts) format

bench: ## Measure live delivery under load
	$(scripts) bench $(ARGS)

bench-cluster: ## Measure what a cluster carries, and write docs/scaling.md
	$(scripts) bench-cluster $(ARGS)

chaos: ## Kill and starve servers in mid-debate, and write docs/reliability.md
	$(scripts) chaos $(ARGS)

requirements: ## Compile the pinned requirements; ARGS=--upgrade takes the newest
	$(scripts) requirements $(ARGS)

audit: ## Ask for known vulnerabilities of the pinned packages; skipped without a network
	$(scripts) audit

clean: ## Remove what can be made again, but no data
	$(scripts) clean
