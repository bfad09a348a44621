# The same verbs at home and in CI. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
TORCH ?= kept
PORT ?=

# A python3 that really runs (a version manager's shim may exist and refuse), else uv's.
ANY_PYTHON := $(shell for p in python3 /usr/bin/python3 python3.12 python3.11 python3.10 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
ifeq ($(ANY_PYTHON),)
  ANY_PYTHON := uv run --no-project --quiet python
endif
PYTHON := .venv/bin/python
CARELINE := $(PYTHON) careline.py

export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
export RASA_TELEMETRY_ENABLED ?= false
export TF_CPP_MIN_LOG_LEVEL ?= 3
export SQLALCHEMY_SILENCE_UBER_WARNING ?= 1

.PHONY: help setup demo test check shell bench clean

help:  ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo; echo "  Options: PORT=8090 (demo), TORCH=cpu (setup without CUDA)"

setup:  ## find or get uv, make .venv, install the locked packages, build the web code
	@$(ANY_PYTHON) bootstrap.py --torch $(TORCH)

demo: setup  ## learn from the sample log and serve the demo shop (Ctrl-C stops it)
	@$(CARELINE) demo $(if $(PORT),--port $(PORT))

shell: setup  ## talk to the demo's bot in the terminal: rasa shell
	@$(CARELINE) shell $(if $(wildcard careline.toml),,--workspace var/demo)

check: setup  ## formatter, linter, types, import rules, web types
	@$(PYTHON) -m ruff format --check --quiet . || { echo "run: .venv/bin/ruff format ."; exit 1; }
	@$(PYTHON) -m ruff check --quiet .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-cache
	@cd web && PATH="$(CURDIR)/.venv/bin:$$PATH" npm run --silent check

# Browser tests have a process of their own: Rasa brings threads that a fork for Chromium can deadlock with.
test: setup check  ## every check and every test
	@shop=$$(mktemp -d) && trap 'rm -rf "$$shop"' EXIT && export CARELINE_TEST_WORKSPACE="$$shop" && \
	$(PYTHON) -m pytest --ignore=tests/browser && $(PYTHON) -m pytest tests/browser

bench: setup  ## list the benches
	@$(PYTHON) -m bench list

clean:  ## remove what was built (not what was learned)
	rm -rf .venv web/dist web/node_modules
