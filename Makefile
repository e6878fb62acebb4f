# Each target sets itself up: a fresh machine needs make, git and Python 3.11 or later with venv.
#
#   make run      a facade with sample data, from nothing; again, it keeps its data
#   make test     the whole suite
#   make check    ruff, mypy strict, import-linter
#   make smoke    install, start, one message, stop; PYTHON=python3.13 tries another Python
#   make docs     write docs/interactions.md from the registry
#   make bench    rates, times and memory against their targets; PATIENTS=900000 is the long run
#   make fuzz     hostile messages, N of them; SEED=… ONLY=… shows one of them alone
#   make fuzz-ldap  the same over LDAP
#   make faults   the hub killed under load for SECONDS=60; SEED=… throws the dice alike
#   make simulate the hub in a world of faults, for SEEDS of them; SEED=… shows one of them alone
#   make allocate NHS numbers given by writers that are killed, N of them: none twice
#   make patients systems that read and change patients, RUNS of them, against a model; SEED=…
#   make clean    remove what was installed; spine-data stays

# The first Python that starts and is new enough: a version manager's shim may be there and not start.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$python; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= spine-data
N ?= 10000
SECONDS ?= 60
SEEDS ?= 1000
RUNS ?= 500
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test check docs bench faults fuzz fuzz-ldap simulate allocate patients smoke clean

run: $(VENV)/installed
	$(BIN)/spine init --quiet $(DATA)
	$(BIN)/spine load --config $(DATA)/spine.toml --patients 100
	exec $(BIN)/spine serve --config $(DATA)/spine.toml

test: $(VENV)/dev
	$(BIN)/pytest

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed
	$(BIN)/spine bench

fuzz: $(VENV)/dev
	$(BIN)/python tests/support/fuzzing.py --count $(N) $(SEED:%=--seed %) $(ONLY:%=--only %)

fuzz-ldap: $(VENV)/dev
	$(BIN)/python tests/support/ldap_fuzzing.py --count $(N) $(SEED:%=--seed %) $(ONLY:%=--only %)

faults: $(VENV)/dev
	$(BIN)/python tests/support/faulting.py --seconds $(SECONDS) $(SEED:%=--seed %)

simulate: $(VENV)/dev
	$(BIN)/python tests/support/simulating.py --seeds $(SEEDS) $(SEED:%=--seed %)

allocate: $(VENV)/dev
	$(BIN)/python tests/support/allocating.py --count $(N)

patients: $(VENV)/dev
	$(BIN)/python tests/support/running_patients.py --runs $(RUNS) $(SEED:%=--seed %)

docs: $(VENV)/installed
	$(BIN)/spine interactions > docs/interactions.md

# A Python of its own, so that it never disturbs the one that is worked with.
smoke: VENV := $(if $(filter file,$(origin VENV)),.venv-smoke,$(VENV))
smoke:
	@$(MAKE) --no-print-directory VENV=$(VENV) PYTHON="$(PYTHON)" $(VENV)/smoke
	$(VENV)/bin/python -P tests/smoke.py

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "There is no Python 3.11 or later here: install one (Debian, Ubuntu: apt install" \
			"python3 python3-venv), or name one: make PYTHON=/path/to/python3"; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) does not start or is older than 3.11: name another one"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv: install it (Debian, Ubuntu: apt install python3-venv)"; \
		exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version); only the first time"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e .[ldap]
	@touch $@

$(VENV)/dev: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e .[dev,ldap,riak]
	@touch $(VENV)/installed $@

$(VENV)/smoke: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e .[ldap,riak]
	@touch $@

clean:
	rm -rf .venv .venv-smoke* *.egg-info build .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
