# Each target sets itself up: a fresh machine needs make, git and Python 3.11 or later with venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= spine-data
N ?= 10000

.PHONY: run test check bench fuzz smoke clean

run: $(VENV)/installed
	$(BIN)/spine init $(DATA)
	$(BIN)/spine load --config $(DATA)/spine.toml --patients 100
	exec $(BIN)/spine serve --config $(DATA)/spine.toml

test: $(VENV)/dev
	$(BIN)/pytest

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[dev,riak]
	touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) *.egg-info
