# Unit tests: hosted, cmocka, ASan+UBSan. One program per tests/unit/test_*.c,
# linked with the fake machine first and a library of all emu/ and drivers/
# objects behind it, so that a test which calls the fake gets the fake.
UNIT := $(BUILD)/unit
UNIT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
UNIT_CFLAGS := $(COMMON_CFLAGS) -O1 -g $(UNIT_SAN) -D_GNU_SOURCE $(SOURCE_INC)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(sort $(wildcard tests/unit/test_*.c)))
# The programs' entries stay out: each test has its own main.
UNIT_LIB_SRC := $(EMU_SRC) $(DRIVER_SRC) $(KERNEL_SRC) \
                $(sort $(wildcard kernel/hosted/*.c)) $(METAL_PURE)
UNIT_LIB_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(filter-out %/main.c,$(UNIT_LIB_SRC))) \
                $(UNIT)/kernel/firmware.o $(UNIT)/kernel/metal/fiber.o $(TABLE_OBJ) \
              $(call source_objects,$(UNIT))
UNIT_FAKE_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(sort $(wildcard tests/unit/fake_*.c \
                   tests/unit/*_harness.c))) $(UNIT)/tests/unit/sys_insn.o

$(UNIT)/flags: FORCE | $(DEPS_test)
	@mkdir -p $(@D)
	@echo '$(UNIT_CFLAGS)' | cmp -s - $@ || echo '$(UNIT_CFLAGS)' > $@
$(eval $(call source_rule,$(UNIT),$(CC) -std=gnu11 -O1 -g $(UNIT_SAN)))
$(filter $(UNIT)/kernel/net/%,$(UNIT_LIB_OBJ)): $(LWIP_STAMP)
$(patsubst %,$(UNIT)/tests/unit/%.o,$(notdir $(UNIT_TESTS))): $(LWIP_STAMP)

$(UNIT)/kernel/firmware.o: kernel/firmware.S $(UNIT)/flags
	@mkdir -p $(@D)
	@$(CC) -Wa,-I$(FIRMWARE_DIR) -c -o $@ $<
$(UNIT)/%.o: %.c $(UNIT)/flags
	@mkdir -p $(@D)
	@echo "  CC    $< (sanitized)"
	@$(CC) $(UNIT_CFLAGS) -c -o $@ $<

# Of the bare machine's assembly, what runs in any program.
$(UNIT)/kernel/metal/fiber.o: kernel/metal/fiber.S
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $<

$(UNIT)/libtrestle.a: $(UNIT_LIB_OBJ)
	@rm -f $@ && ar rcs $@ $^
$(UNIT)/libfake.a: $(UNIT_FAKE_OBJ)
	@rm -f $@ && ar rcs $@ $^

# Tests of a whole machine find the real one first, and only their harness in
# the fakes.
$(UNIT_TESTS): $(UNIT)/%: $(UNIT)/tests/unit/%.o $(UNIT)/libfake.a $(UNIT)/libtrestle.a
	@$(CC) $(UNIT_SAN) -o $@ $< $(if $(filter test_machine%,$*),$(UNIT)/libtrestle.a) \
	  $(UNIT)/libfake.a $(UNIT)/libtrestle.a -lcmocka $(HOSTED_LIBS) \
	  $(if $(filter test_vt_judge,$*),-lvterm)

# The same tests of what several threads do, under the thread sanitizer.
TSAN_TESTS := test_platform test_cores test_worker test_job test_disk_visit \
  test_backup
.PHONY: check-tsan
## check-tsan      threads: unit tests under TSan
check-tsan: | $(DEPS_test)
	@$(MAKE) UNIT=$(BUILD)/tsan UNIT_SAN='-fsanitize=thread -Wno-tsan' \
	  $(TSAN_TESTS:%=$(BUILD)/tsan/%)
	@set -e; for t in $(TSAN_TESTS); do echo "  RUN   $$t (TSan)"; \
	  CMOCKA_MESSAGE_OUTPUT=STDOUT TSAN_OPTIONS=halt_on_error=1 \
	  timeout 600 $(BUILD)/tsan/$$t; done

# run-TEST: a program, beside others where make runs several jobs.
UNIT_RUNS := $(UNIT_TESTS:$(UNIT)/%=run-%)
# run-TEST@ENGINE: by the translator, too, in all of its ways (no = in a target,
# but -). Those that say themselves what translates need only its ways to memory.
UNIT_CPU_RUNS := $(filter-out run-test_cpu_model,$(filter run-test_cpu_%,$(UNIT_RUNS)))
UNIT_JIT_RUNS := run-test_jit_strings run-test_jit_segments run-test_jit_interrupts
UNIT_WINDOWS := jit,window jit,window-read jit,window-none
UNIT_ENGINE_RUNS := $(foreach e,jit jit$(,)check-on $(UNIT_WINDOWS),$(UNIT_CPU_RUNS:=@$(e))) \
  $(foreach e,$(UNIT_WINDOWS),$(UNIT_JIT_RUNS:=@$(e)))
# Called with the guest's FPU state in the host's registers, which the C library
# may use (jit_leaf in emu/jit/jit.h).
UNIT_LEAVES := $(foreach d,$(UNIT) $(HOSTED),$(patsubst %,$(d)/emu/jit/%.o,\
  blocks interrupt segment))

.PHONY: check-unit check-leaves $(UNIT_RUNS) $(UNIT_ENGINE_RUNS)
$(UNIT_RUNS): run-%: $(UNIT)/%
$(UNIT_ENGINE_RUNS): $(UNIT_TESTS)
$(UNIT_RUNS) $(UNIT_ENGINE_RUNS): run-%:
	@echo "  RUN   $*"
	@$(call run_logged,$(UNIT)/$*.log,CMOCKA_MESSAGE_OUTPUT=STDOUT \
	  $(addprefix HARNESS_ENGINE=,$(subst -,=,$(word 2,$(subst @, ,$*)))) \
	  timeout 600 $(UNIT)/$(firstword $(subst @, ,$*)))
	@sed -n 's/^\[ *\([A-Z]*\) *\] \([0-9][0-9]* test\).*/  $*: \2s \1/p' $(UNIT)/$*.log

check-leaves: $(UNIT_LEAVES)
	@! nm -uA $(UNIT_LEAVES) | grep -w 'mem[a-z]*'
## check-unit      unit tests under ASan and UBSan
check-unit: check-leaves $(UNIT_RUNS) $(UNIT_ENGINE_RUNS)

-include $(shell [ -d $(UNIT) ] && find $(UNIT) -name '*.d')
