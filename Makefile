# `make help` lists the targets. What a target needs is installed by scripts/setup.sh.
# rustup may have just been installed, and then it is not on the caller's PATH yet.
CARGO = PATH="$$HOME/.cargo/bin:$$PATH" cargo

.DEFAULT_GOAL = help
.PHONY: help setup run test test-long browser openapi demo bench migrate fmt lint image

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "make %-9s  %s\n", $$1, $$2 }'

setup: ## install what is missing to build and run
	@sh scripts/setup.sh

run: setup ## build and serve; without DATABASE_URL, on a local PostgreSQL in .data/
	$(CARGO) run --release --locked -- serve

test: lint ## formatting, lints and every test; needs nothing running
	@sh scripts/setup.sh verifiers
	$(CARGO) test --workspace --locked

test-long: setup ## thousands of random histories, with each CRM and of clocks, and hundreds of kills (about 15 minutes)
	HISTORIES=3000 KILLS=200 $(CARGO) test --locked --test api -- --nocapture histories crash

browser: ## check Swagger UI, the page of surveys and the dashboard in Chromium, each against a server of its own
	@sh scripts/setup.sh browser
	$(CARGO) build --locked
	cd tests/browser && npm install --no-audit --no-fund && node swagger.mjs ../../target/debug/casebridge && node survey.mjs ../../target/debug/casebridge && node dashboard.mjs ../../target/debug/casebridge

lint: setup ## formatting and lints; any finding is an error
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## format the code
	$(CARGO) fmt --all

openapi: ## write openapi/openapi.json anew from the code
	UPDATE_OPENAPI=1 $(CARGO) test --locked --test api openapi

demo: setup ## play the main job with a CRM beside the service, and compare both sides
	$(CARGO) build --release --locked --package fake-crm --bins
	$(CARGO) run --release --locked -- demo

bench: setup ## run the benchmarks
	$(CARGO) bench --locked

migrate: setup ## bring the database's schema up to date
	$(CARGO) run --release --locked -- migrate

image: ## build the container image casebridge:latest
	docker build --tag casebridge .
