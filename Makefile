# The front door. `make help` lists what there is.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
DEMO_ARGS ?=
CTEST = ctest --test-dir $(BUILD) --output-on-failure

.PHONY: all build tests test-deps sanitized web deps install demo test check pictures bench bench-large soak fuzz hard asan tsan generate clean help
.DEFAULT_GOAL := all

all: build ## builds everything (the default)

deps:
	@tools/install build

test-deps:
	@tools/install test

web/node_modules/.package-lock.json: web/package-lock.json
	@echo "installing the dashboard's packages"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB_SOURCES := $(shell find web/src web/*.mjs web/*.json -type f 2>/dev/null)
web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "building the dashboard"
	@cd web && node build.mjs

web: deps web/dist/index.html ## builds the dashboard

$(BUILD)/build.ninja: | deps
	@cmake -G Ninja -S . -B $(BUILD) $(CMAKE_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build: deps web $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j$(JOBS) -- --quiet

install: build ## installs below PREFIX (default /usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX) --strip
	@if [ "$$(id -u)" = 0 ]; then ldconfig 2>/dev/null || true; fi

demo: build ## a network learns before your eyes: prints one URL, Ctrl-C ends it
	@$(BUILD)/bin/nnscope demo $(DEMO_ARGS)

tests: test-deps web
	@cmake -G Ninja -S . -B $(BUILD) -DNNS_TESTS=ON $(CMAKE_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@cmake --build $(BUILD) -j$(JOBS) -- --quiet

test: tests ## all tests: units, the page in a real browser, attacks, kills, sanitizers
	@tools/test $(BUILD)

check: ## the layers, the tables, the functions named in ARCHITECTURE.md, the links of the documentation
	@tools/check-layers
	@tools/generate --check
	@tools/check-architecture
	@tools/check-docs

pictures: build ## makes the pictures of the guide anew, from real runs in a real browser
	@node web/tools/pictures.mjs $(BUILD)

generate: ## writes what is derived from the tables
	@tools/generate

bench: tests ## one line a hop: name figure unit budget ok|OVER; also build/bench.json
	@tools/bench $(BUILD)

bench-large: tests ## the long query at 1e9 points
	@$(BUILD)/bin/bench_store 1e9

soak: tests ## 1000 kills
	@NNS_ROUNDS=1000 $(CTEST) -L kill --timeout 7200

asan: ## tests under AddressSanitizer and UndefinedBehaviourSanitizer
	@$(MAKE) --no-print-directory sanitized KIND=ASAN BUILD=build-asan

tsan: ## lanes, probe, hub under ThreadSanitizer
	@$(MAKE) --no-print-directory sanitized KIND=TSAN BUILD=build-tsan

hard: ## tiny segments, one-point chunks
	@$(MAKE) --no-print-directory sanitized KIND=HARD BUILD=build-hard

sanitized: test-deps
	@cmake -G Ninja -S . -B $(BUILD) -DNNS_$(KIND)=ON >/dev/null
	@cmake --build $(BUILD) -j$(JOBS) -- --quiet
	@$(CTEST) -LE 'outside|slow' -j2

fuzz: test-deps ## every parser for a minute each (FUZZ_SECONDS=)
	@tools/fuzz $(or $(FUZZ_SECONDS),60)

clean: ## removes what was built
	@rm -rf build build-asan build-tsan build-hard build-fuzz web/dist

help:
	@sed -n 's/^\([a-z-]*\):.*## /    make \1 \t/p' $(MAKEFILE_LIST) | expand -t 24
