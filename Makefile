# One command per task; `make` alone lists them. Everything that is fetched lands in .tools/ (tools/fetch.py).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

target_dir := $(or $(CARGO_TARGET_DIR),target)
config ?= examples/demo.toml
data_dir ?= .data/demo
cargo_deny_version := 0.20.2

.PHONY: help
help: ## List the commands
	@echo "turnstone: finds the log lines that matter"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "LIBTORCH=DIR uses a libtorch 2.11 of your own; config=FILE and data_dir=DIR change what 'make run' starts."

.PHONY: setup
setup: ## Fetch libtorch and nats-server into .tools/ if they are missing (550 MB, once)
	@tools/ensure-toolchain.sh
	@python3 tools/fetch.py

.PHONY: ui
ui: ## Build the web user interface, which cargo then puts into the programs (fetches Node if there is none)
	@tools/ui.sh build

.PHONY: build
build: setup ui ## Build all programs in release
	@cargo build --release --bins

.PHONY: run
run: setup ui ## Build and start the demo: examples/logs and what is readable in /var/log; Ctrl-C stops it
	@cargo build --release --package turnstone --bin turnstone
	@exec python3 tools/foreground.py $(target_dir)/release/turnstone up --config $(config) --data-dir $(data_dir)

.PHONY: test
test: setup ui ## Run all tests: units, pages in a browser, conformance, end to end with real nats-server and Postgres
	@tools/ensure-postgres.sh
	@tools/ensure-browser.sh >/dev/null
	@tools/ensure-venv.sh
	@python3 tools/test_fetch.py
	@python3 tools/test_foreground.py
	@tools/ui.sh npm test --silent
	@cargo build --workspace --bins
	@tools/ui.sh npm run --silent test:browser
	@cargo test --workspace --all-targets
	@cargo test --workspace --doc

.PHONY: screenshots
screenshots: setup ui ## Take the pictures of docs/images anew, on the demo's logs
	@tools/ensure-browser.sh >/dev/null
	@cargo build --package turnstone --bin turnstone
	@tools/ui.sh npm run --silent screenshots

.PHONY: lint
lint: setup ## Check format, lints and that the example logs are what their generator writes
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@tools/ui.sh npm run --silent gen
	@tools/ui.sh npm run --silent check
	@python3 examples/generate_logs.py --check 2>/dev/null || { \
		echo "examples/logs differ from what examples/generate_logs.py writes: run it, or undo the edit" >&2; exit 1; }

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt --all
	@tools/ui.sh npm run --silent format

.PHONY: deny
deny: .tools/bin/cargo-deny-$(cargo_deny_version) ## Check licences, sources and duplicates of dependencies (builds cargo-deny once, minutes)
	@$< --all-features check bans licenses sources

.tools/bin/cargo-deny-$(cargo_deny_version):
	@cargo install --locked --version $(cargo_deny_version) --root .tools --target-dir $(target_dir)/cargo-deny cargo-deny
	@mv .tools/bin/cargo-deny $@

.PHONY: bench
bench: setup ## Measure the stores, beside the raw limit of each database
	@tools/ensure-postgres.sh
	@cargo build --release --package turnstone --bin turnstone
	@tools/bench-store.sh $(target_dir)/release/turnstone

.PHONY: bench-query
bench-query: setup ## Measure lists, groups, search and statistics on 1 and 10 million lines (half an hour, 15 GB; SCALE=0.1 for a tenth)
	@tools/ensure-postgres.sh
	@cargo build --release --package turnstone --bin turnstone
	@tools/bench-query.sh $(target_dir)/release/turnstone

.PHONY: injections
injections: ## Put the injection attempts to a small language model and print how many it withstands (minutes)
	@tools/ensure-toolchain.sh
	@tools/ensure-venv.sh llm
	@cargo run --quiet --package turnstone-explain --example injections

.PHONY: clean
clean: ## Remove what was built; .tools/ and .data/ stay
	@cargo clean

.PHONY: distclean
distclean: clean ## Remove also what was fetched and the demo's data
	@rm -rf .tools .data
