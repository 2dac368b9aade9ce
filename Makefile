# Shortens a developer's day; nothing in here is needed to run or test Entente.
export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 60s
BENCH ?= .

SEEDS ?= 1000
FROM ?= 1
STEPS ?= 40

.PHONY: demo test bench lint fuzz build simulate faults

demo: ## two nodes and the whole story
	go run ./cmd/entente demo

test:
	go test ./...

build: ## one static binary in bin/
	go build -trimpath -ldflags "-s -w -X entente/internal/cli.version=$(VERSION)" -o bin/entente ./cmd/entente

bench: ## figures for docs/performance.md
	ENTENTE_BENCH_FEED=1000000 ENTENTE_SEARCH_OBJECTS=10000000 ENTENTE_PAGES_OBJECTS=1000000 ENTENTE_PAGES_REQUESTS=10000 ENTENTE_BENCH_WATCH_MB=1000 go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 180m ./...
	sh .ci/bench-binary

lint:
	sh .ci/lint

simulate: ## SEEDS histories of whole units through bad networks, disks, clocks and kills; see docs/reliability.md
	go test ./internal/node -run '^TestSimulate$$' -v -timeout 0 -sim.seeds=$(SEEDS) -sim.from=$(FROM) -sim.steps=$(STEPS)

faults: ## plants faults of our own and shows that the simulator finds each
	go test ./internal/node -run '^TestPlantedFaults$$' -v -timeout 0 -sim.faults

fuzz: ## every fuzz target, FUZZTIME each
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "== $$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
	  done; \
	done
