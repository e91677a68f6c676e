# SPDX-License-Identifier: MIT

PREFIX = /usr/local
DESTDIR =
# More for `swift build` and `swift test`; with --scratch-path it takes BUILT as well.
SWIFT_FLAGS =
BUILT = .build/release/vqwatch

# The program that `swift build -c release --static-swift-stdlib` makes, but for the linker's flags: lld, since gold warns
# of a mktemp(3) in Foundation that is never called; libstdc++ inside, since it is all that the linker finds in
# .build/static, so that the program depends on the corosync libraries and libc alone; no search for libraries beside the
# program at every start; packed relocations, nothing exported and equal functions folded.
RELEASE_FLAGS = -c release --static-swift-stdlib --disable-local-rpath -Xswiftc -use-ld=lld \
	-Xlinker -z -Xlinker pack-relative-relocs -Xlinker --no-export-dynamic -Xlinker --icf=safe \
	-Xlinker -L.build/static -Xswiftc -Xclang-linker -Xswiftc -static-libgcc

# What Swift on Debian 12 links with, and the headers of the corosync libraries.
BUILD_PACKAGES = git gcc libc6-dev libstdc++-12-dev libvotequorum-dev libcmap-dev libcorosync-common-dev
# What a sandbox cluster is made of.
RUN_PACKAGES = corosync iproute2 util-linux mount
# What a Debian package is made with.
DEB_PACKAGES = dpkg-dev xz-utils
# What the tests compare with, and drive, and what a sandbox cluster can have besides. Debian 12 has them all.
TEST_PACKAGES = bash-completion corosync-qdevice corosync-qnetd debootstrap fish hyperfine jq lintian man-db mandoc \
	monitoring-plugins-basic nftables prometheus prometheus-node-exporter python3-jsonschema shellcheck strace systemd \
	tmux valgrind zsh

# What is measured besides the program, and the stand-in.
BENCHMARKS = .build/benchmarks/libStandIn.so .build/benchmarks/status .build/benchmarks/follow \
	.build/benchmarks/stamp

SCRIPTS = .ci/run Benchmarks/bench Benchmarks/budget $(wildcard Scripts/*) $(wildcard packaging/debian/p*) \
	Tests/Sandbox/sandbox Tests/Sandbox/demo Tests/StandIn/build Tests/test-deb

.DEFAULT_GOAL = help
# The steps of a target follow one another; Swift uses every core by itself.
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@echo 'vqwatch: make TARGET'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup setup-run setup-test
setup: ## install what the build needs (Debian packages that are missing; starts no service)
	@Scripts/install-packages $(BUILD_PACKAGES)
setup-run: ## install what the build and a sandbox cluster need
	@Scripts/install-packages $(BUILD_PACKAGES) $(RUN_PACKAGES)
setup-test: ## install what the build, the sandbox and the tests need
	@Scripts/install-packages $(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEB_PACKAGES) $(TEST_PACKAGES)

.PHONY: build
build: ## build .build/release/vqwatch, the Swift runtime inside
	@mkdir -p .build/static && ln -sf "$$(gcc -print-file-name=libstdc++.a)" .build/static/
	swift build $(RELEASE_FLAGS) --product vqwatch $(SWIFT_FLAGS)

.PHONY: run
run: ## build, then watch a real three-node cluster in trouble for less than a minute (JSON=1: as JSON lines)
	@$(MAKE) --no-print-directory setup-run build >&2
	@VQWATCH=$(BUILT) JSON=$(JSON) Tests/Sandbox/demo

# Faults and floods are for the program that users get, and there a flood has a million notifications.
.PHONY: test
test: setup-test lint build ## set up, lint, build, and run every test (on real clusters; no root needed)
	VQWATCH_FLOOD=1000000 VQWATCH_PROGRAM='$(CURDIR)/$(BUILT)' \
		swift test --disable-xctest --no-parallel $(SWIFT_FLAGS)

# For how long, and with which seed (none: a new one, which is printed).
SOAK_SECONDS = 900
FUZZ_SECONDS = 600
SEED =

.PHONY: soak
soak: setup-test ## everything that can happen to a cluster, in no order, for 15 minutes (SOAK_SECONDS, SEED)
	VQWATCH_SOAK_SECONDS=$(SOAK_SECONDS) VQWATCH_SOAK_SEED=$(SEED) \
		swift test --disable-xctest --filter SoakTests $(SWIFT_FLAGS)

# libFuzzer, of the toolchain, is the main program, and what it steers by is compiled in: a build of its own, which also
# holds what it has found new ways with. A crash is for libFuzzer to see, not for Swift's own handler.
CORPUS = Tests/FuzzTests/Corpus
FUZZER = SWIFT_BACKTRACE=enable=no .build-fuzz/release/fuzzer
.PHONY: fuzzer fuzz corpus
fuzzer: setup
	VQWATCH_LIBFUZZER=1 swift build -c release --sanitize fuzzer -Xswiftc -enable-testing --scratch-path .build-fuzz \
		--product fuzzer $(SWIFT_FLAGS)
	@mkdir -p .build-fuzz/corpus
fuzz: fuzzer ## libFuzzer: everything that corosync or a user could say, for 10 minutes (FUZZ_SECONDS, SEED)
	@$(FUZZER) -max_total_time=$(FUZZ_SECONDS) $(SEED:%=-seed=%) -max_len=2000 -len_control=0 -timeout=10 \
		-print_final_stats=1 -artifact_prefix=.build-fuzz/ .build-fuzz/corpus $(CORPUS) || { echo; \
		echo 'A finding. What is wrong, and the file with the input, is said above. This tries it again:'; \
		echo '    $(FUZZER) FILE'; \
		echo 'In $(CORPUS), every "make test" tries it.'; exit 1; }
corpus: fuzzer ## put into Tests/FuzzTests/Corpus the fewest of all inputs known that go every way
	rm -rf .build-fuzz/fewest && mkdir .build-fuzz/fewest
	$(FUZZER) -set_cover_merge=1 -use_counters=0 .build-fuzz/fewest $(CORPUS) .build-fuzz/corpus
	@# What was a finding has a name with a dash, and stays.
	find $(CORPUS) -type f ! -name '*-*' -delete && cp .build-fuzz/fewest/* $(CORPUS)

# Each has a folder of its own, since everything is compiled anew. A finding ends the program, and so fails its test;
# it is in a file there. What is left out here, and why: CONTRIBUTING.md.
SANITIZED = QuorumWatchTests|FuzzTests|FollowTests|TroubleTests|OutputTests
.PHONY: sanitize sanitize-thread sanitize-address
sanitize: sanitize-thread sanitize-address ## run the tests with the thread and the address sanitizer
sanitize-thread sanitize-address: sanitize-%: setup-test
	rm -f .build-$*/finding.*
	TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=0:log_path=$(CURDIR)/.build-$*/finding \
	ASAN_OPTIONS=detect_leaks=0:log_path=$(CURDIR)/.build-$*/finding VQWATCH_FUZZ_SECONDS=20 \
		swift test --disable-xctest --no-parallel --sanitize=$* --scratch-path .build-$* --filter '$(SANITIZED)' \
		$(SWIFT_FLAGS)
	@if cat .build-$*/finding.* 2>/dev/null; then exit 1; fi

.PHONY: bench bench-quick budget budget-record
bench: setup-test build $(BENCHMARKS) ## measure, against corosync-quorumtool and C; Benchmarks/RESULTS.md has the table
	Benchmarks/bench
bench-quick: setup-test build $(BENCHMARKS) ## the same with few runs, and nothing kept
	Benchmarks/bench --quick
budget: setup-test build $(BENCHMARKS) ## count the instructions of six commands, and compare them with what is recorded
	Benchmarks/budget
budget-record: build $(BENCHMARKS) ## record what they are now
	Benchmarks/budget --record

.build/benchmarks/libStandIn.so: $(wildcard Tests/StandIn/*)
	Tests/StandIn/build $@
.build/benchmarks/%: Benchmarks/Reference/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -o $@ $< -Wl,--as-needed -lvotequorum -lcorosync_common

.PHONY: lint
lint: ## check the form of the sources, the scripts and the manual
	swift format lint --strict --parallel --recursive Sources Tests Package.swift
	shellcheck --severity=error $(SCRIPTS)
	$(if $(wildcard man/*),mandoc -T lint -W warning $(wildcard man/*))

# Where each file goes, below PREFIX: FROM:TO.
BASH_COMPLETIONS = share/bash-completion/completions
ZSH_COMPLETIONS = share/zsh/site-functions
FISH_COMPLETIONS = share/fish/vendor_completions.d
UNITS = lib/systemd/system
INSTALLED = \
	man/vqwatch.1:share/man/man1/vqwatch.1 \
	man/vqwatch-events.5:share/man/man5/vqwatch-events.5 \
	completions/vqwatch.bash:$(BASH_COMPLETIONS)/vqwatch \
	completions/_vqwatch:$(ZSH_COMPLETIONS)/_vqwatch \
	completions/vqwatch.fish:$(FISH_COMPLETIONS)/vqwatch.fish \
	share/event.schema.json:share/vqwatch/event.schema.json \
	packaging/systemd/vqwatch.service:$(UNITS)/vqwatch.service

.PHONY: install
install: ## install what was built, to DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $(BUILT) '$(DESTDIR)$(PREFIX)/bin/vqwatch'
	strip --strip-unneeded --remove-section=.comment --remove-section=.note '$(DESTDIR)$(PREFIX)/bin/vqwatch'
	$(foreach file,$(INSTALLED),$(call install_file,$(subst :, ,$(file))))
	sed -i 's|/usr/bin/vqwatch|$(PREFIX)/bin/vqwatch|' '$(DESTDIR)$(PREFIX)/$(UNITS)/vqwatch.service'
define install_file
install -D -m 644 $(word 1,$(1)) '$(DESTDIR)$(PREFIX)/$(word 2,$(1))'

endef

.PHONY: uninstall
uninstall: ## remove what install installed
	rm -f '$(DESTDIR)$(PREFIX)/bin/vqwatch'
	$(foreach file,$(INSTALLED),$(call uninstall_file,$(subst :, ,$(file))))
	rmdir '$(DESTDIR)$(PREFIX)/share/vqwatch'
define uninstall_file
rm -f '$(DESTDIR)$(PREFIX)/$(word 2,$(1))'

endef

.PHONY: deb test-deb
deb: build ## make a Debian package in .build/deb
	@Scripts/install-packages $(DEB_PACKAGES)
	Scripts/package-debian $(BUILT) .build/deb

test-deb: setup-test build ## check the package with lintian, and try it on a fresh Debian without Swift (needs root)
	Tests/test-deb "$$(Scripts/package-debian $(BUILT) .build/deb)"

.PHONY: completions
completions: build ## write the shell completions anew, after a change of the options
	Scripts/generate-completions $(BUILT)

.PHONY: docs
docs: ## write the documentation of the library to .build/docs; a symbol without any, or a broken link in it, fails
	swift build --target Corosync $(SWIFT_FLAGS)
	@rm -rf .build/symbols && mkdir -p .build/symbols
	Scripts/symbol-graph .build/debug/Modules .build/symbols
	@rm -f .build/symbols/*@*
	docc convert Sources/Corosync/Corosync.docc --additional-symbol-graph-dir .build/symbols --output-path .build/docs \
		--fallback-display-name Corosync --fallback-bundle-identifier vqwatch.Corosync --warnings-as-errors

.PHONY: picture
picture: build ## draw share/vqwatch.svg anew, from a real run
	Tests/Sandbox/picture $(BUILT)

.PHONY: clean
clean: ## remove what was built
	rm -rf .build
