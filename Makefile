# make lab    JupyterLab with everything, in notebooks/
# make demo   a virtual environment, a measured notebook, and what its cells cost (no browser part, so it is quick)
# make test   all tests but the long ones         make test-long   fault and scale runs of minutes
# make lint   ruff, mypy, tsc, eslint, prettier   make bench       each figure beside the peer's
# make build  the browser's part again, after a change in labextension/
# make screenshots   the pictures in docs/screenshots, light and dark

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
WEB := $(wildcard labextension/src/*.ts* labextension/src/*/*.ts* labextension/style/* labextension/schema/*)

.PHONY: demo lab test test-web test-long lint bench build screenshots clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; type: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@mkdir -p jupyter_green/labextension
	SKIP_JUPYTER_BUILDER=1 $(PIP) -e '.[demo,lab]'
	@touch $@

# The browser's part is built by pip, in an environment of its own that brings Node.
$(VENV)/.lab: $(BIN)/python pyproject.toml constraints.txt labextension/package.json labextension/yarn.lock
	rm -rf jupyter_green/labextension
	$(PIP) -e '.[demo,lab]'
	@touch $@ $(VENV)/.demo

$(VENV)/.test: $(VENV)/.lab
	$(PIP) -e '.[demo,lab,test,torch]'
	tests/prepare
	@touch $@

# From then on JupyterLab reads the build where it lies.
$(VENV)/.web: $(VENV)/.test $(WEB)
	cd labextension && PATH="$(abspath $(BIN)):$$PATH" jlpm install && PATH="$(abspath $(BIN)):$$PATH" jlpm build:prod
	ln -sfn "$(CURDIR)/jupyter_green/labextension" $(VENV)/share/jupyter/labextensions/jupyter-green
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/jupyter green demo green-demo

lab: $(VENV)/.lab
	$(BIN)/jupyter lab --notebook-dir=notebooks

test: $(VENV)/.web test-web
	$(BIN)/python -m pytest -m 'not long'

test-web: $(VENV)/.web
	cd labextension && PATH="$(abspath $(BIN)):$$PATH" jlpm test

test-long: $(VENV)/.web
	$(BIN)/python -m pytest -m long

lint: $(VENV)/.web
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd labextension && PATH="$(abspath $(BIN)):$$PATH" jlpm lint

bench: $(VENV)/.web
	$(BIN)/python -m benchmarks

build: $(VENV)/.web

screenshots: $(VENV)/.web
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

clean:
	rm -rf $(VENV) green-demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis jupyter_green/labextension labextension/lib labextension/node_modules
