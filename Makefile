# Each target makes what it needs: a virtual environment with Python 3.11 or newer, the packages, and for the browser
# tests chromium. Nothing is installed outside this folder, except what Debian has for the tests (chromium, SoftHSM,
# Node.js), by apt where that is allowed.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
SERVICES := issuer wallet verifier
# Any of these that is new enough; or say which: make test PYTHON=/opt/python3.13/bin/python3
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
# Python compiles what it imports by itself; compiling all of it beforehand doubles the time to the first demo.
COMPILE ?= --no-compile
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install $(COMPILE)
# By file: what a file opens (a browser, a deployment) is closed before its process goes on.
TEST_ARGS ?= -n auto --dist loadfile

.PHONY: help demo up install install-dev chromium test check format node-peers softhsm bench openapi conformance migrate clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: install ## let one badge live its whole life: awarded, received, shown, checked, revoked, refused
	@$(BIN)/skillswallet demo

up: install ## start the three services with the data of the demo, and say how to look around
	@$(BIN)/skillswallet up

install: $(VENV)/.installed ## the packages that the services need

install-dev: $(VENV)/.installed-dev ## and those of the tests and checks

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; give its path: make PYTHON=…"; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	@echo "Installing the packages (once; a minute or so)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml
	@echo "Installing the packages for tests and checks (once; a few minutes)"
	@$(PIP) --editable '.[dev,hsm]'
	@touch $@ $(VENV)/.installed

chromium: ## the browser for the browser tests
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; \
	then :; \
	elif command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
		echo "Installing chromium for the browser tests"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
		$$as_root apt-get -qq update && $$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install --yes --no-install-recommends chromium >/dev/null; \
	else \
		echo "No chromium here, and no right to install it: the browser tests will be skipped."; \
	fi

softhsm: ## a security module in software, for the tests of keys kept in one
	@if command -v softhsm2-util >/dev/null; then :; \
	elif command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
		echo "Installing SoftHSM for the tests of keys in a security module"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
		$$as_root apt-get -qq update && $$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install --yes --no-install-recommends softhsm2 >/dev/null; \
	else \
		echo "No SoftHSM here, and no right to install it: the tests of security modules will be skipped."; \
	fi

node-peers: ## implementations of others, in JavaScript, for the tests with others
	@if command -v npm >/dev/null; then :; \
	elif command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
		echo "Installing Node.js for the tests with implementations of others"; \
		as_root=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
		$$as_root apt-get -qq update && $$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install --yes --no-install-recommends nodejs npm >/dev/null; \
	else \
		echo "No Node.js here, and no right to install it: those tests with others will be skipped."; exit 0; \
	fi; \
	cd tests/interop/node && if ! cmp -s package-lock.json node_modules/.installed; then \
		echo "Installing implementations of others for the tests (once; up to a minute)"; \
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed \
			|| echo "They could not be installed: those tests with others will be skipped."; \
	fi

# Those of the kernel reach all of it by themselves; the others would only be slowed down by the counting.
test: install-dev chromium node-peers softhsm ## all tests; those of the kernel must reach every branch of it
	@$(BIN)/pytest $(TEST_ARGS) tests/kernel --cov=kernel --cov-branch --cov-report=term-missing:skip-covered \
		--cov-fail-under=100 && kernel=passed; \
	$(BIN)/pytest $(TEST_ARGS) --ignore tests/kernel && [ "$$kernel" = passed ]

check: install-dev ## everything that a machine can judge without running the services
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python openapi/make_openapi.py --check
	$(BIN)/python docs/make_env_example.py --check
	$(BIN)/python docs/make_conformance.py --check

format: install-dev ## put imports and layout in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-dev ## how fast, as ratios to the bare cryptography and to another implementation in the same run
	@$(BIN)/python -m bench

openapi: install-dev ## write what is made from the code: openapi/*.json and .env.example
	$(BIN)/python openapi/make_openapi.py
	$(BIN)/python docs/make_env_example.py

conformance: install-dev ## write docs/conformance.md from the names of the tests
	$(BIN)/python docs/make_conformance.py

migrate: install ## bring the databases of the settings in the environment (or in .env) to the newest form
	@set -a; if [ -f .env ]; then . ./.env; fi; set +a; \
	for service in $(SERVICES); do $(BIN)/skillswallet migrate $$service || exit 1; done

clean: ## remove what was made, the virtual environment and the data of the demo included
	rm -rf $(VENV) tests/interop/node/node_modules var build dist test-artefacts *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
