# make demo   a virtual environment, a measured notebook, and what its cells cost
# make test   all tests but the long ones         make test-long   fault and scale runs of minutes
# make lint   ruff and mypy                       make bench       each figure beside the peer's

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test test-long lint bench clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; type: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e '.[demo,lab]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e '.[demo,lab,test,torch]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/jupyter green demo green-demo

test: $(VENV)/.test
	$(BIN)/python -m pytest -m 'not long'

test-long: $(VENV)/.test
	$(BIN)/python -m pytest -m long

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) green-demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
