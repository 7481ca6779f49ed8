# The hosted program on a pseudo terminal, in network namespaces (as root).
.PHONY: check-hosted check-jit-boots check-jit-fuzz
## check-hosted    the hosted program's tests, PYTEST_ARGS= TEST_JOBS=2
check-hosted: $(BUILD)/trestle $(BUILD)/enginetest guests $(BUILD)/router.img | $(DEPS_test)
	@$(PYTEST_TOGETHER) tests/hosted $(PYTEST_ARGS)

JIT_BOOTS_SECONDS ?= 3600
## check-jit-boots boots by the translator with check=N for JIT_BOOTS_SECONDS
check-jit-boots: $(BUILD)/trestle $(BUILD)/router.img | $(DEPS_test)
	/usr/bin/python3 -B tests/long/jit_boots.py -t $(JIT_BOOTS_SECONDS) $^

DRIFT_SECONDS ?= 600
.PHONY: check-drift check-day
## check-drift     guests' clocks with load for DRIFT_SECONDS=600, ARGS=
check-drift: $(BUILD)/trestle $(BUILD)/router.img | $(DEPS_test)
	/usr/bin/python3 -B tests/long/drift.py -t $(DRIFT_SECONDS) $^ $(ARGS)

DAY_HOURS ?= 24
## check-day       DAY_HOURS=24 of virtual time with somebody typing, ARGS=
check-day: $(BUILD)/trestle $(BUILD)/router.img | $(DEPS_test)
	/usr/bin/python3 -B tests/long/day.py --hours $(DAY_HOURS) $^ $(ARGS)

STATE_BOOT_SECONDS ?= 40
# The emulated machine alone; fake_snapshot is the unit tests'.
STATE_BOOT_OBJ := $(filter $(HOSTED)/emu/%,$(HOSTED_OBJ)) \
  $(patsubst %,$(HOSTED)/%.o,kernel/firmware kernel/hosted/code_memory \
  tests/long/state_boot tests/unit/fake_snapshot)
$(BUILD)/state_boot: $(STATE_BOOT_OBJ)
	@$(CC) $(HOST_LDFLAGS) -o $@ $^ -lm
.PHONY: check-state-boot
## check-state-boot a router saved and loaded over its boot, each engine
check-state-boot: $(BUILD)/state_boot $(BUILD)/router.img
	$< $(BUILD)/router.img $(STATE_BOOT_SECONDS)

# Half of the time compared, half as a user has it.
JIT_FUZZ_SECONDS ?= 1200
JIT_FUZZ_SEED ?= $(shell date +%s)
## check-jit-fuzz  random guests by the translator for JIT_FUZZ_SECONDS
check-jit-fuzz: $(BUILD)/enginetest
	$< fuzz jit,check=on $$(($(JIT_FUZZ_SECONDS) / 2)) $(JIT_FUZZ_SEED)
	$< fuzz jit $$(($(JIT_FUZZ_SECONDS) / 2)) $(JIT_FUZZ_SEED)

HOSTED_CUTS ?= 200
HOSTED_CUT_SEED ?= 1
# The hosted program with another main, and files of the unit tests' own.
HOSTED_CUTS_OBJ := $(filter-out %/kernel/hosted/main.o \
  %/kernel/hosted/files.o,$(HOSTED_OBJ)) $(patsubst %,$(HOSTED)/tests/%.o, \
  long/power_cuts unit/fake_cut unit/disk_harness)
$(BUILD)/power_cuts: $(HOSTED_CUTS_OBJ) $(HOSTED_SOURCES)
	@$(CC) $(HOST_LDFLAGS) -o $@ $^ $(HOSTED_LIBS)
# And the hosted program itself, with such files.
HOSTED_ROUTER_CUTS_OBJ := $(filter-out %/kernel/hosted/files.o,$(HOSTED_OBJ)) \
  $(patsubst %,$(HOSTED)/tests/%.o,long/cut_files unit/fake_cut)
$(BUILD)/trestle-cuts: $(HOSTED_ROUTER_CUTS_OBJ) $(HOSTED_SOURCES)
	@$(CC) $(HOST_LDFLAGS) -o $@ $^ $(HOSTED_LIBS)
HOSTED_ROUTER_CUTS ?= 200
.PHONY: check-router-cuts
## check-router-cuts  power cut under a router, HOSTED_ROUTER_CUTS=200
check-router-cuts: $(BUILD)/trestle-cuts $(BUILD)/router.img | $(DEPS_test)
	@HOSTED_ROUTER_CUTS=$(HOSTED_ROUTER_CUTS) PYTHONPATH=tests:tests/appliance \
	  $(filter-out PYTHONPATH=%,$(PYTEST)) -s tests/hosted/long_router_cuts.py

.PHONY: check-hosted-cuts
## check-hosted-cuts  power cut under a writing guest, HOSTED_CUTS=200
check-hosted-cuts: $(BUILD)/power_cuts guests
	$< $(GUESTS)/disk_rounds.img $(HOSTED_CUTS) $(HOSTED_CUT_SEED)
