# What a developer or an operator does with this repository. Every target first installs what it needs; see scripts/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DATA ?= granary-data
HOST ?= 127.0.0.1
PORT ?= 8080
BENCH ?=
IMAGE ?=

# A target may import only what it names as a dependency.
SWIFT_BUILD := swift build --explicit-target-dependency-import-check error
# Swift's libraries are part of the binary: it starts faster and runs where no Swift is installed.
SWIFT_RELEASE := $(SWIFT_BUILD) --configuration release --static-swift-stdlib

.PHONY: help
help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Installs the system packages Granary builds and runs with
	@scripts/install-system-libraries

.PHONY: run
run: build ## Builds and starts a server; DATA, HOST and PORT say where
	exec .build/release/granary serve --data $(DATA) --host $(HOST) --port $(PORT)

.PHONY: build
build: setup ## Builds the optimized binary, .build/release/granary
	$(SWIFT_RELEASE) --product granary

.PHONY: test
test: setup ## Installs the clients the tests drive, builds, and runs all tests
	@scripts/install-test-clients
	$(SWIFT_BUILD) --build-tests
	swift test --skip-build

.PHONY: lint
lint: setup ## Checks formatting, and that the code builds with every check on
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	$(SWIFT_BUILD) --build-tests

.PHONY: image
image: build ## Builds a container image of the optimized binary; IMAGE takes options
	@scripts/apt-install buildah busybox-static binutils ca-certificates
	packaging/container/build $(IMAGE)

.PHONY: bench
bench: bench-tool ## Measures Granary beside other servers; BENCH takes options
	.build/release/granary-bench $(BENCH)

.PHONY: bench-growth
bench-growth: bench-tool ## Measures whether it stays quick with a million versions
	.build/release/granary-bench --only growth-large $(BENCH)

.PHONY: bench-tool
bench-tool: build
	@scripts/install-bench-peers
	$(SWIFT_RELEASE) --product granary-bench
