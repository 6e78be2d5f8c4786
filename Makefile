# One command for each job. A target that needs Python makes .venv first, so each works on a fresh clone.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help simulate test test-long test-all check fix goldens bench install clean

# More arguments for the command of a target: make test ARGS="-k propagators", make simulate ARGS='--duration "5 s"'
ARGS =
# Processes that run tests
JOBS = 2

BIN := .venv/bin
STAMP := .venv/.installed
# The exit code of pytest where no test is marked long
NONE_SELECTED := 5
PYTEST := $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

simulate: $(STAMP) ## Run the reference network `hierarchy` from its model file to tables
	$(BIN)/currents simulate hierarchy $(ARGS)

test: $(STAMP) ## Run the tests, but for those marked long
	$(PYTEST) -m "not long" $(ARGS)

test-long: $(STAMP) ## Run the tests marked long, one at a time: some of them measure
	$(PYTEST) --numprocesses 0 -m long $(ARGS) || [ $$? -eq $(NONE_SELECTED) ]

test-all: test test-long ## Run all tests

check: $(STAMP) ## Check format, lint and types, as CI does
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

fix: $(STAMP) ## Format the code and apply the linter's safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

goldens: $(STAMP) ## Record the golden files under tests/ anew (read the diff before committing it)
	$(PYTEST) -m "not long" --regen-all $(ARGS)

bench: $(STAMP) ## Measure speed: a table of ratios
	$(BIN)/currents bench $(ARGS)

install: $(STAMP) ## Make .venv, if that has not happened yet

clean: ## Remove compiled programs and caches; .venv and the runs in build/runs stay
	find build -mindepth 1 -maxdepth 1 ! -name README.md ! -name runs -exec rm -rf {} +
	rm -rf dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

# .venv counts as complete only while its stamp, written last, holds the path of this tree: an interrupted installation
# leaves no stamp, and a copied or moved one would still import the code of its old place.
ifneq ($(CURDIR),$(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null))
.PHONY: $(STAMP)
NEW_VENV := yes
endif

# pip compiles every file of every package, tests too, on one core: 40 of 69 s. Compiling what runs, on all cores, takes 13.
$(STAMP): pyproject.toml
	@set -eu; \
	rm -f $@; \
	if [ -n "$(NEW_VENV)" ]; then \
	    python=$$(tools/find-python); \
	    if [ -e .venv ]; then echo "venv: replacing .venv, which is unfinished or comes from another place"; fi; \
	    rm -rf .venv; \
	    echo "venv: making .venv with $$python"; \
	    "$$python" -m venv .venv; \
	fi; \
	echo "install: brian2currents and what it needs, into .venv (a minute; again only when pyproject.toml changes)"; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-compile --editable '.[dev]' || { \
	    echo "install: pip failed (expected exit code 0; got $$?)." >&2; \
	    echo "  next: read pip's message above, then run make again" >&2; \
	    exit 1; \
	}; \
	$(BIN)/python -W ignore -m compileall -q -j 0 -x '/tests?/' .venv/lib >/dev/null || :; \
	echo "$(CURDIR)" > $@
