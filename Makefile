# run · test · train · evaluate · bench · lint: one line each to type. `make` alone says what there is.

PORT ?= 5000
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test train evaluate bench lint format browser clean data-named fuzz soak image-check lock audit sbom contract

help:
	@echo 'make run                 serve the page on http://localhost:5000 (PORT=8080 moves it)'
	@echo 'make test                set up what the tests need, then lint, type check and tests'
	@echo 'make train DATA=folder   train on a folder with train/ and test/ (ARGS="--preset best" adds options)'
	@echo 'make evaluate DATA=folder  score the shipped model on a folder'
	@echo 'make bench               measure analyzer, server and page (PEER=1: beside the package fer)'
	@echo 'make contract            compare the HTTP interface with its description (CASES=500 for each operation)'
	@echo 'make lint | format       ruff and mypy | ruff format'
	@echo 'make fuzz                10,000 mutated packets, pictures, uploads and requests (CASES=100000), 500 command lines'
	@echo 'make soak MINUTES=60     live viewers and photographs for an hour: answers, memory, descriptors'
	@echo 'make image-check         build the container image without a registry and start it once (root, Debian)'
	@echo 'make lock | audit | sbom exact versions for the image | known faults in them | the list of its parts'

run: $(BIN)/.serving
	@exec env PORT=$(PORT) $(BIN)/gunicorn wsgi:app

test: lint browser
	$(BIN)/python -m pytest $(ARGS)

lint: $(BIN)/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

contract: $(BIN)/.everything
	SCHEMATHESIS_CASES=$(or $(CASES),500) $(BIN)/python -m pytest tests/webapp/test_openapi.py --timeout 1800

format: $(BIN)/.everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train evaluate: data-named $(BIN)/.everything
	$(BIN)/python -m ml.$@ --data "$(DATA)" $(if $(OUT),--out "$(OUT)") $(ARGS)

data-named:
	@test -n "$(DATA)" || { echo 'Name the pictures: make $(MAKECMDGOALS) DATA=folder (with train/ and test/, a folder per emotion in each).'; exit 2; }

bench: $(BIN)/.everything $(if $(PEER),.cache/peer/.installed)
	$(BIN)/python -m tests.bench $(if $(PEER),--peer .cache/peer/bin/python) $(ARGS)

fuzz: $(BIN)/.everything
	FUZZ_CASES=$(or $(CASES),10000) FUZZ_COMMANDS=$(or $(COMMANDS),500) $(BIN)/python -m pytest -q -o timeout=7200 tests/fuzz $(ARGS)

soak: $(BIN)/.everything
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60) $(ARGS)

image-check:
	deploy/image_check.sh

lock: $(BIN)/.everything
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	    --custom-compile-command 'make lock' webapp/requirements.txt -o webapp/requirements.lock

audit: $(BIN)/.everything
	$(BIN)/python -m pytest -q tests/test_lock.py
	$(BIN)/pip-audit --disable-pip --no-deps -r webapp/requirements.lock || echo 'pip-audit could not say: its database is on the internet.'

sbom: $(BIN)/.everything
	@mkdir -p runs
	$(BIN)/cyclonedx-py requirements webapp/requirements.lock -o runs/sbom.json

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache

# Environments. A stamp is newer than its requirements once they are installed, so a second run starts at once.

$(BIN)/.serving: webapp/requirements.txt | $(BIN)/python
	@echo 'Installing what the server needs: about 350 MB, once.'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -r $<
	@touch $@

$(BIN)/.everything: requirements.txt webapp/requirements.txt | $(BIN)/python
	@echo 'Installing TensorFlow and the test tools: about 3 GB, once.'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -r $<
	@touch $@ $(BIN)/.serving

$(BIN)/python:
	@python=$$(for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    "$$name" -c "$$is_supported" 2>/dev/null && { echo "$$name"; break; }; done); \
	test -n "$$python" || { echo 'Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH.' >&2; exit 1; }; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$$python has no venv module: sudo apt-get install python3-venv" >&2; exit 1; }; \
	echo "Making $(VENV) with $$($$python --version)"; \
	"$$python" -m venv $(VENV)

# The package to compare with stays aside: it sees TensorFlow in the environment above and brings the rest with it.
site_packages = $$($(1) -c 'import site; print(site.getsitepackages()[0])')

.cache/peer/.installed: $(BIN)/.everything
	$(BIN)/python -m venv .cache/peer
	echo "$(call site_packages,$(BIN)/python)" > "$(call site_packages,.cache/peer/bin/python)/everything.pth"
	.cache/peer/bin/python -m pip install --disable-pip-version-check --quiet --no-deps fer==25.10.3 'setuptools<80' \
	    ffmpeg-python future 'moviepy<2' decorator proglog imageio-ffmpeg
	touch $@

browser: $(BIN)/.everything
	@test -n "$$CHROMIUM" || for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	    command -v $$name >/dev/null && exit 0; done; \
	test -n "$$CHROMIUM" && exit 0; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium && exit 0; \
	echo 'The browser tests need Chromium: sudo apt-get install chromium (or name one: make test CHROMIUM=/path).' >&2; exit 1

define is_supported
import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
endef

export is_supported
