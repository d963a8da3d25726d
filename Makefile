# make check is exactly what CI runs. make test is its fast part and needs Go alone.

GOTESTSUM   = go run gotest.tools/gotestsum@v1.13.0
LINT        = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
MODULES     = $(shell go list -m -f '{{.Dir}}')
TIDIED      = $(MODULES) $(CURDIR)/tools/tfcheck# outside the workspace, and built from modules that are in it

.PHONY: help
help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: run
run: ## run everything on 127.0.0.1:8085
	go run ./cmd/postern dev

.PHONY: check
check: tools static test-all terraform package vuln ## everything CI runs; installs what it needs, lists what it left out
	@go run ./test/tools not-run

.PHONY: test
test: ## the fast part: unit and wire tests, Go alone
	POSTERN_FAST=1 go test work
	go test -count=1 ./test/rows # reads all files, which the test cache does not watch

.PHONY: static
static: ## formatting, vet, go fix, linters, tidy modules
	@test -z "$$(gofmt -l $(MODULES))" || { echo "gofmt -w these files:"; gofmt -l $(MODULES); exit 1; }
	go vet work
	go fix -diff work
	$(LINT) run --allow-parallel-runners $(addsuffix /...,$(MODULES))
	@for m in $(TIDIED); do (cd $$m && GOWORK=off go mod tidy -diff) || { echo "run: make tidy"; exit 1; }; done

.PHONY: test-all
test-all: ## every test with the race detector: emulator, browser, strangers' clients
	@mkdir -p .cache/check
	$(GOTESTSUM) --format standard-quiet --hide-summary skipped --jsonfile .cache/check/tests.json -- -race -shuffle=on -timeout 25m work

.PHONY: tools
tools: ## install by package name what the tests use; with CI=true a missing tool is an error
	go run ./test/tools

.PHONY: terraform
terraform: ## fmt, validate, test, plan, tflint, redocly; TERRAFORM=tofu takes OpenTofu
	cd tools/tfcheck && GOWORK=off go run .

.PHONY: package
package: ## one zip per function into dist/, each proved offline; TOOLS=DIR puts your own into mcp.zip, STORE=postgres links PostgreSQL
	go run ./cmd/package $(if $(TOOLS),-tools $(TOOLS)) $(if $(filter command,$(origin STORE)),-store $(STORE))

.PHONY: release
release: package ## a release into dist/release: zips, postern for the usual systems, SBOMs, checksums
	go run ./cmd/release

.PHONY: bench
bench: ## ratios of the speed budget, of processes, all measured in one run (docs/performance.md)
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./test/bench

.PHONY: bench-causes
bench-causes: ## benchmarks inside of one process with their allocations, to find causes
	go test -run '^$$' -bench . -benchtime 2s -benchmem $(addprefix ./,$(sort $(dir $(shell grep -l '^func Benchmark' functions/*/*_test.go))))

BASE = $(shell git describe --tags --abbrev=0 2>/dev/null)
.PHONY: bench-compare
bench-compare: ## as bench, against the budgets and the last release; BASE=COMMIT takes another
	POSTERN_BUDGETS=1 POSTERN_BASE='$(BASE)' go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./test/bench

.PHONY: golden
golden: ## rewrite the wire files of the tests
	go test $(addprefix ./,$(sort $(dir $(shell grep -l webtest.Run functions/*/*_test.go)))) -update

.PHONY: fuzz
fuzz: ## fuzz every target for ten seconds
	@for m in $(MODULES); do (cd $$m && for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done) || exit 1; done

.PHONY: vuln
vuln: ## known vulnerabilities; one line where their database cannot be reached
	@mkdir -p .cache/check && rm -f .cache/check/vuln
	@for m in $(MODULES); do said=$$($(GOVULNCHECK) -C $$m ./... 2>&1) && continue; case $$said in \
	  *"fetching vulnerabilities"*) echo "known vulnerabilities: vuln.go.dev cannot be reached; where it can be: make vuln" | tee .cache/check/vuln; exit 0;; \
	  *) echo "$$said"; exit 1;; esac; done

.PHONY: tidy
tidy: ## tidy every module
	@for m in $(TIDIED); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done

.PHONY: bump
bump: ## update DEP=module@version in every module that has it, and what it brings
	@test -n "$(DEP)" || { echo "say which: make bump DEP=golang.org/x/oauth2@latest"; exit 2; }
	@for m in $(TIDIED); do (cd $$m && if grep -q "^.*$(firstword $(subst @, ,$(DEP))) v" go.mod; then GOWORK=off go get $(DEP); fi) || exit 1; done
	@$(MAKE) tidy

.PHONY: docs
docs: ## generate the pages that come from code
	cd shared && go run ./config/gendocs && go run ./telemetry/gendocs ../docs/operations.md

.PHONY: screenshots
screenshots: ## pictures of every page into docs/screenshots
	go run ./test/tools screenshots
