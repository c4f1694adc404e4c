# `make demo` shows the product, `make quick` is the loop of a developer, `make test` is what CI runs.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
# Targets of one run share the virtual environment and the machine's two or four cores.
.NOTPARALLEL:

# The first Python on the PATH that is new enough; `make setup PYTHON=...` for another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A stamp is newer than the lock that it was installed from.
DEV := .venv/.dev-installed
RUN := .venv/.run-installed

.PHONY: help setup services test quick lint format bench chaos demo watch soak schemas lock clean

help: ## Show these lines
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(DEV) ## Virtual environment with everything locked, for development

$(DEV): requirements/dev.lock pyproject.toml | .venv/bin/python
	$(INSTALL) --require-hashes -r requirements/dev.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $(DEV) $(RUN)

$(RUN): requirements/run.lock pyproject.toml | .venv/bin/python
	$(INSTALL) --require-hashes -r requirements/run.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $(RUN)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv .venv

services: ## Redis, Prometheus, Alertmanager, Chromium, Kafka for the service tests
	scripts/install_services.sh

# Where the environment forbids bytecode, each of pytest's processes and every command that a test starts would compile
# all modules again, and pytest rewrite all assertions: a third of the time of `quick`. Empty is the same as unset.
quick test: export PYTHONDONTWRITEBYTECODE :=

test: setup services lint ## Everything: lint, types, architecture, all tests
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder # tests/conftest.py orders

quick: setup ## The tests that need no service and no patience
	$(BIN)/pytest -n 2 --dist loadfile -m "not service and not chaos and not slow" -q

lint: setup ## Style, types, architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## Let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# BROKER=host:port uses that broker instead of the embedded one; PORT=8081 is where the board answers.
demo: $(RUN) ## The whole product on this machine
	$(BIN)/streamer demo $(if $(BROKER),--broker $(BROKER)) $(if $(PORT),--port $(PORT))

watch: $(RUN) services ## The demo with Prometheus, Alertmanager and its alerts
	$(BIN)/streamer watch $(if $(BROKER),--broker $(BROKER)) $(if $(PORT),--port $(PORT))

soak: setup services ## Ten minutes of the wall: memory of page and board
	$(BIN)/python -m tests.board.soak $(ARGS)

bench: setup services ## Measure: ARGS="core", "worker", "jobs", ... (bench/README.md)
	$(BIN)/python -m bench $(ARGS)

chaos: setup services ## Kill -9, freeze and restart workers and broker under load
	$(BIN)/pytest tests/chaos -m chaos $(ARGS)

schemas: setup ## Make the generated files again
	$(BIN)/python -m streamer.events.schemas
	$(BIN)/python -m streamer.metrics.reference
	$(BIN)/python -m streamer.producers.emitter_methods
	$(BIN)/python -m streamer.watch.rules
	$(BIN)/python -m streamer.watch.dashboards

# UPGRADE=--upgrade takes new versions. The second lock is the part of the first that the product runs with.
lock: setup ## Lock the dependencies
	$(BIN)/uv pip compile $(LOCK) $(UPGRADE) --extra dev -o requirements/dev.lock pyproject.toml
	echo django-helpdesk==2.6.1 | $(BIN)/uv pip compile $(LOCK) $(UPGRADE) -c requirements/dev.lock -o requirements/django.lock pyproject.toml -
	$(BIN)/uv pip compile $(LOCK) --extra all --extra build -c requirements/dev.lock -o requirements/run.lock pyproject.toml
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

clean: ## Back to the clone, except for .venv and .services
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find streamer tests -name __pycache__ -type d -prune -exec rm -rf {} +
