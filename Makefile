# Every target installs what it needs by itself (scripts/setup), so that a clean clone on a Debian machine
# with Rust is enough. Paths: cargo's own target folder, nothing outside the checkout.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-rust e2e pictures check bench bench-lists budgets

# Where cargo puts the binary that the browser tests and the benchmarks drive.
TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)

help: ## Say what there is
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: ## Build, then serve example runbooks over three throwaway sshd hosts on http://127.0.0.1:7878 (ARGS=…)
	@scripts/setup demo
	@cargo build --locked
	@echo "starting the demo; Ctrl-C ends it and cleans up"
	@exec "$(TARGET_DIR)/debug/steadyhand" demo $(ARGS)

test: ## Run the Rust tests, then the browser tests
	@scripts/setup test
	@$(MAKE) --no-print-directory test-rust
	@$(MAKE) --no-print-directory e2e

test-rust: ## Run the Rust tests alone (ARGS=… is handed to the runner)
ifeq ($(NEXTEST),yes)
	@cargo nextest run --locked $(ARGS)
else
	@cargo test --locked $(ARGS)
endif

e2e: ## Run the browser tests alone
	@if [ -f tests/e2e/package.json ]; then scripts/e2e "$(TARGET_DIR)/debug/steadyhand" $(ARGS); fi

pictures: ## Take the pictures of docs/pictures anew, from the real pages
	@cargo build --locked
	@PICTURES="$(CURDIR)/docs/pictures" scripts/e2e "$(TARGET_DIR)/debug/steadyhand" pictures

check: ## Formatting, lints, shell scripts
	@cargo fmt --check
	@cargo clippy --locked --all-targets -- -D warnings
	@shellcheck scripts/setup scripts/e2e .ci/run $$(git ls-files '*.sh')

bench: ## Measure Steadyhand beside ssh, Ansible and pyinfra (builds a release binary; ARGS=…)
	@scripts/setup bench
	@cargo build --locked --release
	@python3 benches/compare/compare.py --steadyhand "$(TARGET_DIR)/release/steadyhand" $(ARGS)

budgets: ## Measure what the pages cost: bytes, paint, a gigabyte of output, 1,000 viewers, 100,000 runs (ARGS=names)
	@scripts/setup test
	@cargo build --locked --release
	@scripts/e2e --budgets "$(TARGET_DIR)/release/steadyhand" $(ARGS)

bench-lists: ## Measure the lists with 100,000 runs (builds a release binary; ARGS=…)
	@cargo build --locked --release
	@python3 benches/lists/lists.py --steadyhand "$(TARGET_DIR)/release/steadyhand" $(ARGS)
