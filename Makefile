# SPDX-License-Identifier: GPL-2.0-only
#
# dmring: kernel module, library, tool, benchmarks, tests. "make help" lists what
# there is to make. The module itself is built by the kernel's own build system;
# everything else has a plain Makefile of its own.

# The kernel the guests run, not the one this machine happens to run: that may
# have neither headers nor modules.
ifndef KERNELDIR
KERNELDIR := $(shell ls -d /lib/modules/6.1.*-amd64/build /usr/src/linux-headers-6.1.*-amd64 2>/dev/null | \
	awk '{ v = $$0; sub("/build$$", "", v); sub(".*/(linux-headers-)?", "", v); print v, $$0 }' | \
	sort -V | tail -n 1 | cut -d' ' -f2)
endif

DESTDIR ?=
PREFIX ?= /usr/local
export PREFIX DESTDIR
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DMRING_CACHE ?= /var/cache/dmring
export DMRING_CACHE KERNELDIR

all: kmod ulib ctl bench/dmring-bench

kmod: check-kerneldir
	$(MAKE) -C $(KERNELDIR) M=$(CURDIR)/kmod W=1 modules

check-kerneldir:
	@test -f "$(KERNELDIR)/Makefile" || { \
		echo "make: no kernel headers in KERNELDIR='$(KERNELDIR)'; run, as root: tools/setup build" >&2; exit 1; }

ulib:
	$(MAKE) -C ulib

ctl: ulib
	$(MAKE) -C ctl

bench/dmring-bench: ulib
	$(MAKE) -C bench

# Programs that tests run; not part of "all" because they need what only "check" sets up.
tests: all
	$(MAKE) -C selftests
	$(MAKE) -C selftests/unit

demo:
	tools/setup demo
	$(MAKE) all
	selftests/demo

check:
	tools/setup check
	$(MAKE) all
	selftests/run-all

# The module, and one with planted errors, for the debug kernel. From copies: the
# module beside its sources stays what it is. cpio keeps the times of files.
DEBUG_BUILD := $(CURDIR)/build/debug
DEBUG_KERNELDIR := $(DMRING_CACHE)/kernel-debug/build
kmod-debug:
	mkdir -p $(DEBUG_BUILD)
	find kmod include selftests/vm/planted -name '*.mod.c' -o \( -name '*.[ch]' -o -name Kbuild \) -print | \
		cpio -pdmu --quiet $(DEBUG_BUILD)
	$(MAKE) -C $(DEBUG_KERNELDIR) M=$(DEBUG_BUILD)/kmod UBSAN_SANITIZE=y W=1 modules
	$(MAKE) -C $(DEBUG_KERNELDIR) M=$(DEBUG_BUILD)/selftests/vm/planted UBSAN_SANITIZE=y modules

check-debug:
	tools/setup debug
	selftests/vm/debug-kernel
	$(MAKE) all kmod-debug
	KERNEL=debug selftests/run-all

# The long storm; what it was is repeated with the seed that it prints. Then those who write and map
# whatever they may, for MINUTES each.
KILLS ?= 100000
SEED ?=
MINUTES ?= 5

soak:
	tools/setup check
	$(MAKE) all
	$(MAKE) -C selftests
	$(MAKE) -C selftests/net
	selftests/vm/run --name soak --timeout 21600 $(if $(KERNEL),--kernel $(KERNEL)) \
		--load kmod/dmring.ko -- selftests/net-storm.sh $(KILLS) $(SEED)
	selftests/vm/run --name soak-scribble --timeout 21600 $(if $(KERNEL),--kernel $(KERNEL)) \
		--load kmod/dmring.ko -- env DMRING_SCRIBBLE_MS=$$(($(MINUTES) * 60000)) selftests/scribble
	selftests/vm/run --name soak-racers --timeout 21600 $(if $(KERNEL),--kernel $(KERNEL)) \
		--load kmod/dmring.ko -- env DMRING_RACE_MS=$$(($(MINUTES) * 60000)) selftests/racers

# Three guests, one of which is killed, RUNS times
RUNS ?= 20
MESSAGES ?= 200000
ORDER ?= total

soak-views:
	tools/setup check
	$(MAKE) all
	$(MAKE) -C selftests/net
	$(if $(KERNEL),VM_KERNEL=$(KERNEL)) selftests/net-guests-views.sh $(MESSAGES) $(RUNS) $(ORDER) $(SEED)

# Three hosts in namespaces, one of which dies: what it had delivered all have, RUNS times
soak-safe: RUNS = 100
soak-safe:
	tools/setup check
	$(MAKE) all
	$(MAKE) -C selftests/net
	selftests/vm/run --name soak-safe --timeout 21600 $(if $(KERNEL),--kernel $(KERNEL)) \
		--load kmod/dmring.ko -- selftests/net-views.sh safe $(foreach run,$(shell seq $(RUNS)),dies)

# SEEDS=N: schedules, 1,000,000 if not given; each from a seed of its own, from 1
sim:
	tools/setup build
	$(MAKE) -s -C selftests/sim
	selftests/sim/sim -n $(if $(SEEDS),$(SEEDS),1000000)

bench:
	tools/setup bench
	$(MAKE) all
	bench/run

vm:
	tools/setup vm
	$(MAKE) all
	selftests/vm/shell

# PREFIX is for the programs; the module goes where its kernel looks for it.
install: all
	$(MAKE) -C $(KERNELDIR) M=$(CURDIR)/kmod INSTALL_MOD_PATH=$(DESTDIR) modules_install
	$(MAKE) -C ulib install
	$(MAKE) -C ctl install
	install -d $(DESTDIR)$(INCLUDEDIR)/linux
	install -m 644 include/uapi/linux/dmring*.h $(DESTDIR)$(INCLUDEDIR)/linux/
	for page in Documentation/man/*.[1-8]; do \
		section=$(DESTDIR)$(MANDIR)/man$${page##*.}; \
		install -d $$section && install -m 644 $$page $$section/ || exit 1; \
	done

# Headers may be gone when one cleans up: then only what the kernel's build made stays.
clean:
	if [ -f "$(KERNELDIR)/Makefile" ] && [ -f kmod/Kbuild ]; then \
		$(MAKE) -C $(KERNELDIR) M=$(CURDIR)/kmod clean; fi
	$(RM) -r build
	for dir in ulib ctl bench selftests selftests/unit selftests/sim; do \
		if [ -f $$dir/Makefile ]; then $(MAKE) -C $$dir clean || exit 1; fi; done

help:
	@echo '  make              module, library, ringctl, benchmarks (KERNELDIR=DIR: for another kernel)'
	@echo '  make demo         three guests, a file through the ring, a kill and a cut (INPUT=FILE)'
	@echo '  make check        all tests'
	@echo '  make check-debug  the guests and their tests on a kernel that looks for trouble'
	@echo '  make soak         100,000 random kills over three hosts (KILLS=N, SEED=N); then scribblers, racers (MINUTES=N)'
	@echo '  make soak-views   three guests, one of which is killed, 20 times (RUNS=, MESSAGES=, ORDER=, SEED=)'
	@echo '  make soak-safe    three hosts, one of which dies, order safe, 100 times (RUNS=)'
	@echo '  make sim          the protocol in a simulator, 1,000,000 schedules (SEEDS=N)'
	@echo '  make bench        measurements beside Unix sockets'
	@echo '  make vm           a shell in a guest with the module loaded'
	@echo '  make install      PREFIX=$(PREFIX), DESTDIR='
	@echo '  make clean'
	@echo
	@echo 'demo, check, check-debug, soak, soak-views, soak-safe, sim, bench and vm do their own set-up; that needs root once.'

.PHONY: all kmod check-kerneldir ulib ctl bench/dmring-bench tests demo check check-debug kmod-debug soak soak-views soak-safe sim bench vm install clean help
