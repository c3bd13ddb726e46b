# SPDX-License-Identifier: GPL-2.0
# What a person runs. The modules themselves are built by Kbuild; the lab is in tools/lab.

.DEFAULT_GOAL := modules
.PHONY: modules demo check check-debug selftests fuzz fuzz-debug bench soak shell clean distclean help

# A person's make must not become a part of the kernel's: only what is named goes on.
unexport MAKEFLAGS MFLAGS

modules:
	@KDIR='$(KDIR)' tools/lab/build $(if $(V),V=$(V))

demo: modules
	@tools/lab/enter python3 tools/demo/demo.py

# Results in FOLDER/check/junit.xml: $(call tests,FOLDER)
tests = env ROUNDS='$(ROUNDS)' SEED='$(SEED)' RACE_SECONDS='$(RACE_SECONDS)' python3 -m pytest tools/testing \
	-n '$(or $(JOBS),auto)' --dist worksteal --junitxml='$1/check/junit.xml' $(if $(TESTS),-k '$(TESTS)')

check:
	@LAB_TESTS=1 KDIR='$(KDIR)' tools/lab/build $(if $(V),V=$(V))
	@LAB_MORE=selftests tools/lab/setup
	@tools/lab/enter $(call tests,build)

check-debug:
	@LAB_KERNEL=debug LAB_TESTS=1 tools/lab/build $(if $(V),V=$(V))
	@LAB_KERNEL=debug tools/lab/enter $(call tests,build/debug)

selftests: modules
	@LAB_MORE=selftests tools/lab/setup
	@tools/lab/enter python3 -m selftests $(if $(TESTS),--programs '$(TESTS)') $(SELFTESTS)

fuzz: modules
	@tools/lab/enter python3 -m fuzz.mailbox --seconds $(or $(FUZZ_SECONDS),600)
	@tools/lab/enter python3 -m fuzz.storm --seconds $(or $(FUZZ_SECONDS),600)
	@tools/lab/enter python3 -m fuzz.administrator --seconds $(or $(FUZZ_SECONDS),600)

fuzz-debug:
	@LAB_KERNEL=debug tools/lab/build $(if $(V),V=$(V))
	@LAB_KERNEL=debug tools/lab/enter python3 -m fuzz.administrator --seconds $(or $(FUZZ_SECONDS),600)

bench: modules
	@LAB_MORE=charts tools/lab/setup
	@tools/lab/enter python3 -m bench $(if $(QUICK),--quick) --commit "$$(git describe --always --dirty 2>/dev/null)" $(BENCH)

soak: modules
	@LAB_MORE=charts tools/lab/setup
	@tools/lab/enter env SOAK_SECONDS='$(SOAK_SECONDS)' SEED='$(SEED)' python3 tools/soak/soak.py

shell: modules
	@tools/lab/shell

clean:
	@rm -rf build .pytest_cache

distclean:
	@tools/lab/remove
	@rm -rf build .pytest_cache

help:
	@echo 'igb_rs: SR-IOV network driver pair for the Intel 82576, in Rust'
	@echo
	@echo '  make            build build/igb_rs.ko and build/igbvf_rs.ko'
	@echo '  make demo       run both drivers in QEMU: seven live VFs, one of them in a VM;'
	@echo '                  a table as it goes, then build/demo/report.json'
	@echo '  make check      run all tests; TESTS=expression runs a part (as pytest -k); ROUNDS= of resets, removal and sleep, SEED=;'
	@echo '                  JOBS= tests side by side, three for two processors; results in build/check/junit.xml'
	@echo '  make check-debug  the guest tests on a kernel with KASAN, lockdep, kmemleak and more, and failing'
	@echo '                  allocations; RACE_SECONDS=60. Compiles that kernel once, half an hour of processor time'
	@echo '  make selftests  the kernel'"'"'s own tests of network drivers, on PF and VF, beside the same on'
	@echo '                  igb and igbvf: KTAP, then build/selftests/junit.xml; TESTS=regular expression'
	@echo '  make fuzz       fuzz on the host, then from a VF in a guest, then as root in a guest; FUZZ_SECONDS=600 each'
	@echo '  make fuzz-debug  the last of these on the kernel of make check-debug'
	@echo '  make bench      measure against the kernel'"'"'s igb and igbvf: under an hour; QUICK=1: strict only,'
	@echo '                  under 5 minutes; table, then build/bench/results.json and a chart'
	@echo '  make soak       checked traffic while settings change at random, two hours; SOAK_SECONDS=, SEED=;'
	@echo '                  report and chart in build/soak'
	@echo '  make shell      a shell in a guest: both modules, two ports on one wire, IOMMU on'
	@echo '  make clean      remove what was built'
	@echo '  make distclean  remove the lab too (the cache folder)'
	@echo
	@echo 'The first of these that needs it sets up the lab, a Debian 13 root with kernel and QEMU,'
	@echo 'in the cache folder: about five minutes and 4 GB, once. Needs root and the network.'
	@echo
	@echo '  KDIR=folder     make: build against this 7.3 tree (with Rust metadata), without the lab'
	@echo '  V=1             make: show the commands'
	@echo '  ACCEL=kvm|tcg   choose how QEMU runs guests; without it KVM is tried, then TCG'
	@echo '  IGB_RS_CACHE=   cache folder; now $(or $(IGB_RS_CACHE),~/.cache/igb-rs)'
