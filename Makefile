# Each command makes the virtual environment itself; nothing is needed beforehand but Python 3.11 or newer with venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -q install -c requirements/dev.lock
export PIP_ROOT_USER_ACTION = ignore

.PHONY: help demo test check format bench micro compiled interpreted lock clean

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run-ready  ## a gateway, a simulated Duo, and real logins; KEEP=1 leaves them running to play with
	@$(BIN)/python -m bench.demo $(if $(KEEP),--keep)

test: $(VENV)/.dev-ready  ## lint, types, import contracts and all tests: what CI runs
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/check

format: $(VENV)/.dev-ready  ## put the code into its one layout
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

bench: $(VENV)/.bench-ready  ## CPU per login, memory, start time and floods on this machine
	@$(BIN)/python -m bench.costs

micro: $(VENV)/.dev-ready  ## what each piece of the hot path costs, and how that has changed
	@$(BIN)/python -m tests.micro $(if $(UPDATE),--update)

compiled: $(VENV)/.dev-ready  ## compile the hot path here, which takes a minute and a C compiler
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/compile

interpreted: $(VENV)/bin/python  ## remove what was compiled
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/compile clean

lock: $(VENV)/.dev-ready  ## pin the newest versions that pyproject.toml permits, for every Python it permits
	@$(BIN)/pip -q install uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --upgrade --no-header --no-emit-index-url \
		--no-emit-find-links --extra dev --extra bench -o requirements/dev.lock pyproject.toml
	@! grep -n 'file:\|://' requirements/dev.lock

clean:  ## remove what was made
	tools/compile clean
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: pyproject.toml requirements/dev.lock | $(VENV)/bin/python
	@echo "Installing radgate …"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev-ready: pyproject.toml requirements/dev.lock | $(VENV)/bin/python
	@echo "Installing radgate and what its tests need …"
	@$(PIP) -e '.[bench,dev]'
	@touch $@ $(VENV)/.run-ready $(VENV)/.bench-ready

$(VENV)/.bench-ready: pyproject.toml requirements/dev.lock | $(VENV)/bin/python
	@echo "Installing radgate and what its bench needs …"
	@$(PIP) -e '.[bench]'
	@touch $@ $(VENV)/.run-ready
