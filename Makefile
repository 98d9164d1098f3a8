# Two commands matter: `make serve` and `make test`. Both set up everything they need, and are quick the second time.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PORT ?= 8000
HOST ?= 127.0.0.1
WORKERS ?= 1
export ALBUMEN_DATA ?= $(CURDIR)/data
XDG_CACHE_HOME ?= $(HOME)/.cache
# Weights are the same for every checkout: fetched once for the user, not once for the folder.
export ALBUMEN_MODELS ?= $(XDG_CACHE_HOME)/albumen/models

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: serve
serve: $(STAMPS)/serve $(STAMPS)/front models ## Serve the album on http://127.0.0.1:8000 (PORT=, HOST=, WORKERS=)
	@exec $(BIN)/albumen serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

.PHONY: test
test: $(STAMPS)/dev $(STAMPS)/front models ## Check style and types, run every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q

.PHONY: models
models: $(STAMPS)/serve ## Fetch the default model weights (verified; skips what is there)
	@$(BIN)/albumen models fetch

.PHONY: lock
lock: $(STAMPS)/uv ## Compile requirements/*.in to pinned, hashed requirements
	cd requirements && for name in dev serve uv node; do \
	  ../$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-annotate --no-header $$([ $$name = serve ] && echo -c dev.txt) $$name.in -o $$name.txt || exit 1; done

.PHONY: screenshots
screenshots: $(STAMPS)/dev $(STAMPS)/front models ## Take the screenshots of the docs anew: make screenshots PHOTOS=folder
	$(BIN)/python docs/tour.py --out docs/images $(PHOTOS)

.PHONY: format
format: $(STAMPS)/dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove what was built in this folder (never the data folder)
	rm -rf $(VENV) node_modules static/dist .mypy_cache .pytest_cache .ruff_cache

# --- setting up -----------------------------------------------------------------------------------------------

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Albumen needs Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: apt install python3-venv" >&2; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/uv: $(STAMPS)/venv requirements/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(STAMPS)/serve: $(STAMPS)/uv requirements/serve.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/serve.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/serve requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

# The pages also work from the unbundled modules; bundling makes them fast.
$(STAMPS)/front: $(STAMPS)/serve package.json package-lock.json $(shell find static -type f -not -path "static/dist/*" 2>/dev/null)
	@$(BIN)/python -m app.web.bundle
	@touch $@
