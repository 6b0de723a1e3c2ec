# Thin on purpose: a target is the commands that you would type. `.ci/run` calls `test` and `lint`.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run bench open-webui test lint peers nextest fmt clippy doc deny containers python

NEXTEST := 0.9.148
DENY := 0.20.2
RUFF := 0.17.6
OPEN_WEBUI := 0.12.4 0.12.3
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
PEERS ?= $(CURDIR)/.peers
RIG := PYTHONDONTWRITEBYTECODE=1 $(PEERS)/open-webui/$(firstword $(OPEN_WEBUI))/bin/python
TOOLS := $(CURDIR)/target/tools
export PATH := $(TOOLS)/cargo-nextest-$(NEXTEST)/bin:$(TOOLS)/cargo-deny-$(DENY)/bin:$(TOOLS)/ruff-$(RUFF)/bin:$(PATH)

help: ## Prints this list.
	@sed -nE 's/^([a-z-]+):.* ## (.*)/  make \1	\2/p' Makefile

run: ## Builds everything in release and starts the gateway with shards.d; ARGS="…" adds flags.
	cargo build --release --workspace --bins
	$(or $(CARGO_TARGET_DIR),target)/release/mcp-gateway serve --shards shards.d $(ARGS)

bench: ## Measures the gateway in release: RUN=speed is the default, ARGS="…" adds flags, RUN=help lists all runs.
	cargo build --release --workspace --bins
	$(or $(CARGO_TARGET_DIR),target)/release/bench $(or $(RUN),speed) $(ARGS)

open-webui: peers ## Drives real Open WebUIs against the gateway and ten shards: a table, and 1 if a check fails.
	cargo build --release --workspace --bins
	sh open-webui/install.sh $(OPEN_WEBUI)
	cd open-webui && $(RIG) -m unittest --quiet rig.process_test rig.rules_test rig.wire_test
	cd open-webui && $(RIG) -m rig --gateway $(TARGET)/release/mcp-gateway --peers $(PEERS) --out $(TARGET)/open-webui $(OPEN_WEBUI)

test: peers nextest ## Installs the test peers into .peers/ and runs every test.
	cargo build --workspace --bins --examples
	cargo test --workspace --doc
	cargo nextest run --workspace

lint: fmt clippy doc deny containers python ## Checks formatting, clippy, documentation, licences, bans, Dockerfile, compose file and Python.

peers: # Real MCP servers and clients, pinned. One that cannot be installed fails the run.
	bash gateway/tests/peers/install.sh

nextest: # The installed one, else the pinned one.
	@cargo nextest --version >/dev/null 2>&1 || bash .ci/tool cargo-nextest $(NEXTEST)

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

deny:
	@bash .ci/tool cargo-deny $(DENY)
	cargo deny check --hide-inclusion-graph bans licenses sources

containers:
	@bash containers/lint

python:
	@bash .ci/tool ruff $(RUFF) ruff
	ruff check --no-cache --config open-webui/ruff.toml open-webui gateway/tests/peers
	ruff format --no-cache --config open-webui/ruff.toml --check open-webui gateway/tests/peers
