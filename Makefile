# Two commands matter: `make run` and `make test`. Both need Python 3.11+ and make, and nothing else.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
IDP_ISSUER ?= http://localhost:$(PORT)
SMART_ID_PORT ?= $(shell expr $(PORT) + 1)

BIN := $(VENV)/bin
PYTEST_WORKERS ?= 3
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.DEFAULT_GOAL := help
.PHONY: help run test check lint types imports pytest bench fmt lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: $(VENV)/.run-installed  ## serve the demonstration on http://localhost:8000 (PORT, SMART_ID_PORT, IDP_ISSUER, IDP_DATABASE_URL, IDP_REDIS_URL steer it)
	@VENV=$(VENV) PORT=$(PORT) SMART_ID_PORT=$(SMART_ID_PORT) IDP_ISSUER=$(IDP_ISSUER) tools/run

test:  ## install what tests need, then lint, types, import contracts and every test
	@tools/system-packages tests/system-packages.txt
	@$(MAKE) --no-print-directory check

check: lint types imports pytest

lint: $(VENV)/.test-installed  ## every rule of ruff, and its formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test-installed  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.test-installed  ## the import contracts
	$(BIN)/lint-imports

pytest: $(VENV)/.test-installed
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal

bench: $(VENV)/.test-installed  ## measure, on this machine, in one run
	$(BIN)/python -m tests.benchmarks

fmt: $(VENV)/.test-installed  ## format, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.test-installed  ## renew the locked versions in requirements/
	CUSTOM_COMPILE_COMMAND='make lock' $(LOCK) --upgrade --build-deps-for=editable --extra=postgres \
		--output-file=requirements/run.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND='make lock' $(LOCK) --upgrade --build-deps-for=editable --extra=postgres --extra=ad \
		--constraint=requirements/run.txt --output-file=requirements/ad.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND='make lock' $(LOCK) --upgrade --build-deps-for=editable --extra=postgres --extra=test \
		--constraint=requirements/ad.txt --output-file=requirements/test.txt pyproject.toml

clean:  ## remove the virtual environment, caches and the demonstration's data
	rm -rf $(VENV) var build visvaris.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A stamp is newer than its lock exactly when that lock is what is installed.
$(VENV)/.%-installed: requirements/%.txt
	@tools/install $(PYTHON) $(VENV) requirements/$*.txt
	@touch $@
