# SPDX-License-Identifier: MIT

PREFIX = /usr/local
DESTDIR =
# Further arguments of `swift build` and `swift test`. With --scratch-path, set BUILT as well.
SWIFT_FLAGS =
BUILT = .build/release/vqwatch

# The release program differs from `swift build -c release --static-swift-stdlib` in linker flags only:
# - lld, because gold warns about a mktemp(3) in Foundation that is never called;
# - libstdc++ from .build/static, where only the static one is, so that the program needs only the corosync libraries and libc;
# - no run path, which would be searched for libraries at every start;
# - packed relocations, no exported symbols, and identical functions merged.
RELEASE_FLAGS = -c release --static-swift-stdlib --disable-local-rpath -Xswiftc -use-ld=lld \
	-Xlinker -z -Xlinker pack-relative-relocs -Xlinker --no-export-dynamic -Xlinker --icf=all \
	-Xlinker -L.build/static -Xswiftc -Xclang-linker -Xswiftc -static-libgcc

# For building: what Swift links with, in the version of this Debian, and the headers of the corosync libraries.
BUILD_PACKAGES = git g++ libc6-dev libvotequorum-dev libcmap-dev libcorosync-common-dev
# For a sandbox cluster.
RUN_PACKAGES = corosync iproute2 util-linux mount
# For building the Debian package.
DEB_PACKAGES = dpkg-dev xz-utils
# For the tests: the programs that they compare with or control, and the optional parts of a sandbox cluster.
TEST_PACKAGES = bash-completion corosync-qdevice corosync-qnetd corosync-vqsim debootstrap e2fsprogs fish hyperfine jq lintian man-db \
	mandoc monitoring-plugins-basic nftables prometheus prometheus-node-exporter python3-jsonschema shellcheck strace systemd \
	systemd-container tmux valgrind zsh

# The C programs that the benchmarks compare with, and the stand-in.
BENCHMARKS = .build/benchmarks/libStandIn.so .build/benchmarks/status .build/benchmarks/follow \
	.build/benchmarks/stamp

SCRIPTS = .ci/run Benchmarks/bench Benchmarks/budget $(wildcard Scripts/*) $(wildcard packaging/debian/p*) \
	Tests/Sandbox/sandbox Tests/Sandbox/demo Tests/StandIn/build Tests/test-deb $(wildcard Tests/Debian/*)

.DEFAULT_GOAL = help
# The prerequisites of a target are built in order; Swift itself uses every core.
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@echo 'vqwatch: make TARGET'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup setup-run setup-test
setup: ## install the missing Debian packages for building (starts no service)
	@Scripts/install-packages $(BUILD_PACKAGES)
setup-run: ## install the packages for building and for a sandbox cluster
	@Scripts/install-packages $(BUILD_PACKAGES) $(RUN_PACKAGES)
setup-test: ## install the packages for building, sandbox clusters and tests
	@Scripts/install-packages $(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEB_PACKAGES) $(TEST_PACKAGES)

# Checked before packages are installed.
.PHONY: swift
swift:
	@command -v swift >/dev/null || { \
		echo 'make: swift: not installed; install Swift 6.2 or later: https://www.swift.org/install/linux/' >&2; exit 69; }

.PHONY: build
build: ## build .build/release/vqwatch, with a static Swift runtime
	@mkdir -p .build/static && ln -sf "$$(gcc -print-file-name=libstdc++.a)" .build/static/
	swift build $(RELEASE_FLAGS) --product vqwatch $(SWIFT_FLAGS)

.PHONY: run
run: swift ## build, then watch faults in a real three-node cluster for less than a minute (JSON=1: as JSON lines)
	@$(MAKE) --no-print-directory setup-run build >&2
	@VQWATCH=$(BUILT) JSON=$(JSON) Tests/Sandbox/demo

# The program under test is the one that `build` makes, which is what users get.
TESTED = VQWATCH_PROGRAM='$(abspath $(BUILT))'
.PHONY: test
test: swift setup-test lint build ## set up, lint, build, and run every test (on real clusters; no root needed)
	swift build --build-tests $(SWIFT_FLAGS)
	$(TESTED) VQWATCH_FLOOD=1000000 Scripts/run-tests $(SWIFT_FLAGS)

# How long to run, and the seed (without one: a new seed, which is printed).
SOAK_SECONDS = 900
FUZZ_SECONDS = 600
SEED =

.PHONY: soak
soak: setup-test build ## run cluster faults in random order for 15 minutes (SOAK_SECONDS, SEED)
	$(TESTED) VQWATCH_SOAK_SECONDS=$(SOAK_SECONDS) VQWATCH_SOAK_SEED=$(SEED) \
		swift test --disable-xctest --filter SoakTests $(SWIFT_FLAGS)

# The number of clusters and of simulated histories, and the seed of the first; without SEED, a new one.
PREDICTIONS = 300
HISTORIES = 3000
.PHONY: predict
predict: setup-test build ## compare the predictions of --if-down with real decisions, on 300 random clusters, and in simulations (PREDICTIONS, HISTORIES, SEED)
	VQWATCH_PREDICTIONS=$(PREDICTIONS) VQWATCH_HISTORIES=$(HISTORIES) VQWATCH_PREDICTION_SEED=$(SEED) \
		swift test --disable-xctest --filter 'PredictionTests\.(Prediction|Simulation)Tests' $(SWIFT_FLAGS)

# The toolchain's libFuzzer is the main program and needs instrumented code, hence a separate build. Its folder also holds
# the inputs that reach new code. Swift's crash handler is off, because libFuzzer has to see the crash; the hashes are the
# same in every run, so that a seed and a file repeat a finding.
CORPUS = Tests/FuzzTests/Corpus
FUZZER = SWIFT_BACKTRACE=enable=no SWIFT_DETERMINISTIC_HASHING=1 .build-fuzz/release/fuzzer
.PHONY: fuzzer fuzz corpus
fuzzer: setup
	VQWATCH_LIBFUZZER=1 swift build -c release --sanitize fuzzer -Xswiftc -enable-testing --scratch-path .build-fuzz \
		--product fuzzer $(SWIFT_FLAGS)
	@mkdir -p .build-fuzz/corpus
fuzz: fuzzer ## fuzz the reducer, the formats and the parsers for 10 minutes (FUZZ_SECONDS, SEED)
	@$(FUZZER) -max_total_time=$(FUZZ_SECONDS) $(SEED:%=-seed=%) -max_len=2000 -len_control=0 -timeout=10 \
		-print_final_stats=1 -artifact_prefix=.build-fuzz/ .build-fuzz/corpus $(CORPUS) || { echo; \
		echo 'A finding. The problem and the file with the input are printed above. To repeat it:'; \
		echo '    $(FUZZER) FILE'; \
		echo 'Add the file to $(CORPUS), so that every "make test" repeats it.'; exit 1; }
corpus: fuzzer ## minimise all known inputs into Tests/FuzzTests/Corpus
	rm -rf .build-fuzz/fewest && mkdir .build-fuzz/fewest
	$(FUZZER) -set_cover_merge=1 -use_counters=0 .build-fuzz/fewest $(CORPUS) .build-fuzz/corpus
	@# Keep former findings: they have a dash in their names.
	find $(CORPUS) -type f ! -name '*-*' -delete && cp .build-fuzz/fewest/* $(CORPUS)

# Each sanitizer has a build folder of its own. A finding is written to a file there and ends the program, which fails
# the test. CONTRIBUTING.md says what the sanitizers cannot check.
SANITIZED = QuorumWatchTests|FuzzTests|CommandLineTests.(FollowTests|TroubleTests|OutputTests|LinkTests|LiveTests)
# Not the tests that crash the program, which a sanitizer reports, or that count wake-ups, of which a sanitizer has its own.
UNSANITIZED = LiveTests.(restores|rests)
.PHONY: sanitize sanitize-thread sanitize-address
sanitize: sanitize-thread sanitize-address ## run the tests with the thread and the address sanitizer
sanitize-thread sanitize-address: sanitize-%: setup-test
	rm -f .build-$*/finding.*
	TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=0:log_path=$(CURDIR)/.build-$*/finding \
	ASAN_OPTIONS=detect_leaks=0:log_path=$(CURDIR)/.build-$*/finding VQWATCH_FUZZ_SECONDS=20 \
	VQWATCH_PROGRAM=$(CURDIR)/.build-$*/debug/vqwatch \
		swift test --disable-xctest --no-parallel --sanitize=$* --scratch-path .build-$* --filter '$(SANITIZED)' \
		--skip '$(UNSANITIZED)' $(SWIFT_FLAGS)
	@if cat .build-$*/finding.* 2>/dev/null; then exit 1; fi

.PHONY: bench bench-quick budget budget-record
bench: setup-test build $(BENCHMARKS) ## compare with corosync-quorumtool and C, and write Benchmarks/RESULTS.md
	Benchmarks/bench
bench-quick: setup-test build $(BENCHMARKS) ## the same with fewer runs, without writing the results
	Benchmarks/bench --quick
budget: setup-test build $(BENCHMARKS) ## count the instructions of several commands and compare them with the record (ANY=1: if there is one)
	Benchmarks/budget
budget-record: build $(BENCHMARKS) ## record the present counts for this toolchain and C library
	Benchmarks/budget --record

.build/benchmarks/libStandIn.so: $(wildcard Tests/StandIn/*)
	Tests/StandIn/build $@
.build/benchmarks/%: Benchmarks/Reference/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -o $@ $< -Wl,--as-needed -lvotequorum -lcorosync_common

.PHONY: lint
lint: ## check the style of the sources, the scripts and the manual
	swift format lint --strict --parallel --recursive Sources Tests Package.swift
	shellcheck $(SCRIPTS)
	$(if $(wildcard man/*),mandoc -T lint -W warning $(wildcard man/*))

# The folder of the options of the service.
DEFAULTS = $(if $(filter /usr /usr/local,$(PREFIX)),,$(PREFIX))/etc/default
# Installed files, as SOURCE:DESTINATION below PREFIX.
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
install: ## install the built program and its files below DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $(BUILT) '$(DESTDIR)$(PREFIX)/bin/vqwatch'
	strip --strip-unneeded --remove-section=.comment --remove-section=.note '$(DESTDIR)$(PREFIX)/bin/vqwatch'
	$(foreach file,$(INSTALLED),$(call install_file,$(subst :, ,$(file))))
	sed -i -e 's|/usr/bin/vqwatch|$(PREFIX)/bin/vqwatch|' -e 's|/usr/share/vqwatch|$(PREFIX)/share/vqwatch|' \
		-e 's|/etc/default/|$(DEFAULTS)/|' \
		'$(DESTDIR)$(PREFIX)/$(UNITS)/vqwatch.service' '$(DESTDIR)$(PREFIX)/share/man/man1/vqwatch.1'
	@# Keep the options of an earlier installation.
	[ -e '$(DESTDIR)$(DEFAULTS)/vqwatch' ] || \
		install -D -m 644 packaging/systemd/vqwatch.default '$(DESTDIR)$(DEFAULTS)/vqwatch'
define install_file
install -D -m 644 $(word 1,$(1)) '$(DESTDIR)$(PREFIX)/$(word 2,$(1))'

endef

.PHONY: uninstall
uninstall: ## remove the installed files, but not options of the service that were changed
	cmp -s packaging/systemd/vqwatch.default '$(DESTDIR)$(DEFAULTS)/vqwatch' && rm '$(DESTDIR)$(DEFAULTS)/vqwatch' || true
	rm -f '$(DESTDIR)$(PREFIX)/bin/vqwatch'
	$(foreach file,$(INSTALLED),$(call uninstall_file,$(subst :, ,$(file))))
	rmdir '$(DESTDIR)$(PREFIX)/share/vqwatch'
define uninstall_file
rm -f '$(DESTDIR)$(PREFIX)/$(word 2,$(1))'

endef

.PHONY: deb test-deb
deb: build ## build a Debian package in .build/deb
	@Scripts/install-packages $(DEB_PACKAGES)
	Scripts/package-debian $(BUILT) .build/deb

test-deb: setup-test build ## check the package with lintian and test it on a fresh Debian 12 and 13, without Swift (needs root)
	Tests/test-deb "$$(Scripts/package-debian $(BUILT) .build/deb)"

.PHONY: completions
completions: build ## regenerate the shell completions after a change of the options
	Scripts/generate-completions $(BUILT)

.PHONY: docs
docs: ## write the library's documentation to .build/docs; fails on a broken link or an undocumented symbol
	swift build --target Corosync $(SWIFT_FLAGS)
	@rm -rf .build/symbols && mkdir -p .build/symbols
	Scripts/symbol-graph .build/debug/Modules .build/symbols
	@rm -f .build/symbols/*@*
	docc convert Sources/Corosync/Corosync.docc --additional-symbol-graph-dir .build/symbols --output-path .build/docs \
		--fallback-display-name Corosync --fallback-bundle-identifier vqwatch.Corosync --warnings-as-errors

.PHONY: picture
picture: setup-test build ## redraw share/vqwatch.svg and share/vqwatch-live.svg from real runs
	Tests/Sandbox/picture $(BUILT)

.PHONY: clean
clean: ## remove .build
	rm -rf .build
