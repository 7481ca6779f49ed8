# The engines' test program, tests/engine: the host program's platform and all
# of emu/ with another kernel_main. On the bare machine enginetest.elf, which
# has the hardware engines; on Linux enginetest.
ENGINETEST_CPU := $(addprefix tests/unit/test_cpu_,fpu.c int.c) \
    $(sort $(wildcard tests/unit/test_cpu_sys_*.c))
ENGINETEST_SRC := $(sort $(wildcard tests/engine/*.c)) $(ENGINETEST_CPU) \
    tests/unit/cpu_harness.c tests/unit/sys_harness.c tests/unit/sys_insn.c
# Their <cmocka.h> is tests/engine/cmocka.h, and each main a function of main.c.
ENGINETEST_UNIT := $(filter tests/unit/%,$(ENGINETEST_SRC))
ENGINETEST_FLAGS = -Itests/engine -Dmain=$(basename $(notdir $<)) -Wno-missing-prototypes

ENGINETEST_HOSTED := $(patsubst %.c,$(HOSTED)/%.o,$(ENGINETEST_SRC) \
    tests/unit/fault_harness.c \
    $(wildcard tests/engine/hosted/*.c))
$(foreach f,$(ENGINETEST_UNIT),$(eval CFLAGS_$(f) = $$(ENGINETEST_FLAGS)))
$(BUILD)/enginetest: $(ENGINETEST_HOSTED) $(filter-out %/kernel/main.o,$(HOSTED_OBJ)) $(HOSTED_SOURCES)
	@echo "  LD    $@"
	@$(CC) $(HOST_LDFLAGS) -o $@ $^ $(HOSTED_LIBS)

ENGINETEST_OBJ := $(patsubst %.c,$(METAL)/%.o,$(ENGINETEST_SRC) \
    $(wildcard tests/engine/metal/*.c)) \
    $(filter-out %/kernel/main.o,$(APPLIANCE_OBJ))
$(patsubst %.c,$(METAL)/%.o,$(ENGINETEST_UNIT)): CFLAGS_FILE = $(ENGINETEST_FLAGS)
$(BUILD)/enginetest.elf: $(ENGINETEST_OBJ) $(APPLIANCE_SOURCES) linker.ld tools/symtab.py
	$(call appliance_link,$(ENGINETEST_OBJ))

.PHONY: check-lockstep check-fuzz-guest check-vmx-cpu
ENGINETEST_RUN = BUILD=$(BUILD) /usr/bin/python3 -B tests/appliance/accel.py
# 1,000,000 steps right after the first interrupt, then in ten windows on the
# way to the prompt.
## check-lockstep  svm beside the interpreter, 2,000,000 instructions, in QEMU
check-lockstep: $(BUILD)/enginetest.elf $(BUILD)/router.img | $(DEPS_test)
	@$(ENGINETEST_RUN) 3600 "lockstep svm 1000000 1 1 12" router.img
	@$(ENGINETEST_RUN) 3600 "lockstep svm 100000 10 40" router.img
FUZZ_GUEST_SEED ?= $(shell date +%s)
# Some code makes QEMU's own translator give up or crash; another seed goes on.
## check-fuzz-guest random guests under svm for 10 minutes, in QEMU
check-fuzz-guest: $(BUILD)/enginetest.elf | $(DEPS_test)
	@$(ENGINETEST_RUN) fuzz 600 $(FUZZ_GUEST_SEED)

## check-vmx-cpu   CPU tests, lockstep, random guests under VT-x in Bochs
check-vmx-cpu: $(BUILD)/enginetest.elf $(BUILD)/router.img | $(DEPS_test)
	@$(PYTEST) tests/appliance/long_engine_bochs.py
