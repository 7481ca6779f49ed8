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

# By the translator, too, in all of its ways.
UNIT_CPU_TESTS := $(filter-out %/test_cpu_model,$(filter $(UNIT)/test_cpu_%,$(UNIT_TESTS)))
UNIT_JIT_TESTS := $(filter %/test_jit_strings %/test_jit_segments \
  %/test_jit_interrupts,$(UNIT_TESTS))
# Called with the guest's FPU state in the host's registers, which the C library
# may use (jit_leaf in emu/jit/jit.h).
UNIT_LEAVES := $(foreach d,$(UNIT) $(HOSTED),$(patsubst %,$(d)/emu/jit/%.o,\
  blocks interrupt segment))

.PHONY: check-unit $(addprefix run-,$(notdir $(UNIT_TESTS)))
## check-unit      unit tests under ASan and UBSan
check-unit: $(UNIT_TESTS) $(UNIT_LEAVES)
	@! nm -uA $(UNIT_LEAVES) | grep -w 'mem[a-z]*'
	@set -e; for t in $(UNIT_TESTS); do echo "  RUN   $$(basename $$t)"; \
	  CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 $$t; done
	@set -e; for t in $(UNIT_CPU_TESTS); do \
	  for e in jit jit,check=on jit,window jit,window=read jit,window=none; do \
	    echo "  RUN   $$(basename $$t) ($$e)"; HARNESS_ENGINE=$$e \
	    CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 $$t; done; done
	@set -e; for t in $(UNIT_JIT_TESTS); do \
	  for e in jit,window jit,window=read jit,window=none; do \
	    echo "  RUN   $$(basename $$t) ($$e)"; HARNESS_ENGINE=$$e \
	    CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 $$t; done; done

-include $(shell [ -d $(UNIT) ] && find $(UNIT) -name '*.d')
