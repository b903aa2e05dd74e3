# SPDX-License-Identifier: GPL-2.0-or-later
# A short front: meson builds, scripts/ hold what is longer than a line.

BUILD ?= build
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
MESONFLAGS ?=

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS)

$(BUILD)/build.ninja:
	@scripts/deps.sh --verify build
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESONFLAGS)

# Install what is missing from the distribution; asks for nothing when run as root.
deps:
	@scripts/deps.sh build demo

demo:
	@scripts/demo.sh

check:
	@scripts/check.sh

# BENCH="NAME...": some of bench/*.bash only.
bench:
	@bench/run.sh $(BENCH)

# The unit tests under AddressSanitizer and UndefinedBehaviorSanitizer.
asan:
	@scripts/check.sh asan

# FUZZ=NAME TIME=SECONDS: one target only, for how long each.
fuzz:
	@scripts/fuzz.sh $(FUZZ)

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz

.PHONY: all deps demo check bench asan fuzz install clean
