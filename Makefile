# Each command makes its virtual environment itself; nothing is needed beforehand but Python 3.11 or newer with venv.
# One is for work on the source. The other has what a user gets, compiled if there is a C compiler: RADGATE_PURE=1 does
# without, for a quicker start.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
RUN := .venv-run
PIP_INSTALL := -m pip --disable-pip-version-check -q install -c requirements/dev.lock
SOURCES := pyproject.toml requirements/dev.lock tools/compiling.py \
	CHANGELOG.md $(shell find gateway bench conf docs -name results -prune -o -type f ! -name '*.pyc' ! -name '*.so' -print)
export PIP_ROOT_USER_ACTION = ignore

# Who names a Python means that one, also where there is an environment already.
define as_named
@[ -z "$(PYTHON)" ] || [ "$$($(1)/bin/python -c '$(WHICH)')" = "$$($(PYTHON) -c '$(WHICH)')" ] || \
	{ echo "$(1) was made with another Python than $(PYTHON): rm -rf $(1)" >&2; exit 1; }
endef
WHICH := import sys; print(sys.base_prefix, sys.version)

.PHONY: help demo test check format bench micro compiled interpreted reference lock clean dist deb try-deb

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(RUN)/.ready  ## a gateway, a simulated Duo, real logins; KEEP=1 leaves them running, FLEET=1 has two gateways
	$(call as_named,$(RUN))
	@$(RUN)/bin/python -m bench.demo $(if $(KEEP),--keep) $(if $(FLEET),--fleet)

# exec: what ends make ends the checks, and not a shell that waits for them.
test: $(VENV)/.dev-ready  ## lint, types, import contracts and all tests: what CI runs
	$(call as_named,$(VENV))
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec tools/check

format: $(VENV)/.dev-ready  ## put the code into its one layout
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

bench: $(RUN)/.bench-ready  ## CPU per login, memory, start time and floods on this machine
	$(call as_named,$(RUN))
	@$(RUN)/bin/python -m bench.costs

micro: $(VENV)/.dev-ready  ## what each piece of the hot path costs, and how that has changed
	@$(if $(UPDATE),RADGATE_QUICK=1) $(BIN)/python -m tests.micro $(if $(UPDATE),--update)

compiled: $(VENV)/.dev-ready  ## compile the hot path here, which takes a minute and a C compiler
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/compile

interpreted: $(VENV)/bin/python  ## remove what was compiled
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/compile clean

reference: $(VENV)/.dev-ready  ## write pages of man, docs/keys.md, docs/attributes.md and the schema
	@$(BIN)/python tools/write_reference.py

dist: $(VENV)/.dev-ready  ## the source and the pure wheels of radgate and its bench, in dist/, for an upload
	@PATH="$(CURDIR)/$(BIN):$$PATH" tools/build_dist dist

deb:  ## a Debian package in dist/, for the Python of this distribution
	@tools/build_deb dist

try-deb: $(VENV)/.dev-ready  ## install the Debian package in a Debian of its own, log in, remove it; root, some minutes
	@$(BIN)/python -m pytest -ra tests/packaging/trial_install.py

lock: $(VENV)/.dev-ready  ## pin the newest versions that pyproject.toml permits, for every Python it permits
	@$(BIN)/pip -q install uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --upgrade --no-header --no-emit-index-url \
		--no-emit-find-links --extra dev --extra bench-libraries -o requirements/dev.lock pyproject.toml
	@! grep -n 'file:\|://' requirements/dev.lock

clean:  ## remove what was made
	tools/compile clean
	rm -rf $(VENV) $(RUN) .mypy_cache .ruff_cache .import_linter_cache

%/bin/python:
	@python=$$(tools/find_python $(PYTHON)) && echo "Making a virtual environment in $* with $$python …" && \
		"$$python" -m venv $*

$(VENV)/.dev-ready: pyproject.toml requirements/dev.lock | $(VENV)/bin/python
	@echo "Installing radgate and what its tests need …"
	@RADGATE_PURE=1 $(BIN)/python $(PIP_INSTALL) -e '.[bench-libraries,dev]'
	@touch $@

$(RUN)/.ready: $(SOURCES) | $(RUN)/bin/python
	@echo "Installing radgate, which takes a minute or two where it is compiled …"
	@$(RUN)/bin/python $(PIP_INSTALL) . ./bench
	@touch $@

$(RUN)/.bench-ready: $(SOURCES) | $(RUN)/bin/python
	@echo "Installing radgate and what its bench needs, which takes a minute or two where it is compiled …"
	@$(RUN)/bin/python $(PIP_INSTALL) '.[bench]'
	@touch $@ $(RUN)/.ready
