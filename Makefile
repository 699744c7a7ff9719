# Everything a person or CI runs. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help venv check format test test-alone chaos demo bench-cold bench-pacing bench-growth bench-page templates package deploy-fun deploy-tools clients browser-tools picture lock clean

# The first Python that works, under any of these names, because the first on PATH may be too old,
# or a shim of pyenv that fails.
PYTHON ?= $(or $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.10 python,\
  $(shell $(name) -c 'import sys; sys.exit($(OTHER_PYTHON))' 2>/dev/null && echo $(name)))),python3)
OTHER_PYTHON := not (3, 10) <= sys.version_info < (3, 14)
BIN := .venv/bin
# One stamp for all targets: newer than the lock file if and only if the environment
# contains what the lock file lists.
INSTALLED := .venv/.installed

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

venv: $(INSTALLED) ## set up .venv; installs only what changed

# uv takes a quarter of pip's time. It does not read pip's configuration, so
# where a package index is configured for pip alone, pip does the same work.
$(INSTALLED): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit($(OTHER_PYTHON))' 2>/dev/null || \
	  { echo "Python 3.10 to 3.13 is needed, and '$(PYTHON)' is another or missing. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || \
	  { echo "Setting up .venv (once, about half a minute)"; $(PYTHON) -m venv --clear .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --python $(BIN)/python --quiet --compile-bytecode --require-hashes requirements/dev.txt || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
# The command `ecsnap`, in place. uv builds it by itself, so nothing is downloaded.
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --offline --no-deps --editable .
	@touch $(INSTALLED)

check: $(INSTALLED) ## formatting, lint, types, policies and templates; no tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(BIN)/python -m cli check

format: $(INSTALLED) ## format, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(INSTALLED) ## all tests
	$(BIN)/pytest

# Tests that build packages, or run packages and functions. Without another Python they show how
# the whole suite behaves on a machine that has only one.
ALONE := tests/emulator/test_interpreters.py tests/emulator/fc/test_instances.py tests/chaos/test_processes.py \
  $(addprefix tests/project/test_,build_check.py package.py package_in_fc.py resuming_in_fc.py)
NOWHERE := /nonexistent

test-alone: $(INSTALLED) ## the tests that search for a Python, with only that of .venv to find
	PATH=$(NOWHERE) PYENV_ROOT=$(NOWHERE) UV_PYTHON_INSTALL_DIR=$(NOWHERE) $(BIN)/pytest $(ALONE)

chaos: $(INSTALLED) ## random faults, SEEDS=1000 times; or only SEED=n, with all details
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000))

demo: $(INSTALLED) ## a timer and an event create snapshots, on the local emulator
	@$(BIN)/python -m cli demo

bench-cold: $(INSTALLED) ## measure a cold start, compared with a naive handler
	@$(BIN)/python -W ignore -m benchmarks.cold_start

bench-pacing: $(INSTALLED) ## 5,000 disks against a quota, compared with naive clients (some minutes)
	@$(BIN)/python -W ignore -m benchmarks.pacing

bench-growth: $(INSTALLED) ## memory and time at 1,000 to 100,000 disks, compared with a naive handler
	@$(BIN)/python -W ignore -m benchmarks.growth

bench-page: $(INSTALLED) ## when the page shows its first rows, compared with all rows at once (needs Chromium)
	@$(BIN)/python -W ignore -m benchmarks.page

templates: $(INSTALLED) ## write s.yaml and template.yml from policies.yaml and deployment.yaml
	@$(BIN)/python -m cli templates

package: $(INSTALLED) ## write the templates and build/<function>/, what is deployed
	@$(BIN)/python -m cli package

deploy-fun: package ## build, check, and deploy with Fun, to FC 2.0
	@$(BIN)/python -m cli deploy-fun

# Without these tools the tests of deployments are skipped. No script of a package runs, and
# only locked packages are downloaded.
DEPLOY_TOOLS := tests/deploy/node/node_modules/.installed

deploy-tools: $(DEPLOY_TOOLS) ## install the pinned fun and s (needs Node), for the tests

$(DEPLOY_TOOLS): tests/deploy/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 14 or newer" >&2; exit 1; }
	@echo "Installing fun and s (once, about half a minute)"
	@npm ci --prefix tests/deploy/node --ignore-scripts --omit=optional --no-audit --no-fund --silent
	@touch $@

# The SDKs that the tests run against the emulator, each lock in an environment of its own.
# Without them these tests are skipped. Optional packages too, because SDKs compress with them.
NODE_CLIENTS := tests/clients/node/node_modules/.installed
PYTHON_CLIENTS := $(patsubst tests/clients/python/%.txt,tests/clients/.installed/%/bin/.installed,$(wildcard tests/clients/python/*.txt))

clients: $(PYTHON_CLIENTS) $(NODE_CLIENTS) ## install the pinned SDKs that the emulator is tested with (needs Node)

$(NODE_CLIENTS): tests/clients/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 14 or newer" >&2; exit 1; }
	@echo "Installing the SDKs for Node (once)"
	@npm ci --prefix tests/clients/node --ignore-scripts --no-audit --no-fund --silent
	@touch $@

tests/clients/.installed/%/bin/.installed: tests/clients/python/%.txt | $(INSTALLED)
	@echo "Installing the Python SDKs of $< (once)"
	@$(BIN)/python -m venv --without-pip tests/clients/.installed/$*
	@$(BIN)/uv pip sync --python tests/clients/.installed/$*/bin/python --quiet --require-hashes $< || \
	  $(BIN)/python -m pip --python tests/clients/.installed/$*/bin/python install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# What checks a page in Chromium, which is the system's own. Without both, the tests in a browser are
# skipped.
BROWSER_TOOLS := tests/browser/node/node_modules/.installed

browser-tools: $(BROWSER_TOOLS) ## install the pinned axe-core (needs Node), for the tests in a browser

$(BROWSER_TOOLS): tests/browser/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 14 or newer" >&2; exit 1; }
	@npm ci --prefix tests/browser/node --ignore-scripts --no-audit --no-fund --silent
	@touch $@

picture: $(INSTALLED) ## write docs/coverage-page.png, the picture in the README (needs Chromium)
	@TZ=Asia/Shanghai $(BIN)/python -m tests.browser.picture >/dev/null

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --custom-compile-command 'make lock'

lock: $(INSTALLED) ## pin the newest versions, with hashes
	$(LOCK) requirements/uv.in -o requirements/uv.txt
	$(LOCK) requirements/runtime.in -o requirements/runtime.txt
	$(LOCK) -c requirements/runtime.txt -c requirements/uv.txt requirements/dev.in -o requirements/dev.txt
	for lock in tests/clients/python/*.in; do $(LOCK) $$lock -o $${lock%.in}.txt || exit 1; done

clean: ## remove what the other targets made
	rm -rf .venv build tests/deploy/node/node_modules tests/clients/node/node_modules tests/browser/node/node_modules tests/clients/.installed .pytest_cache .mypy_cache .ruff_cache .hypothesis
