# How fast the engines are on integer code. Not a test: nothing fails on slowness.
BENCH := $(BUILD)/bench
BENCH_CFLAGS := $(COMMON_CFLAGS) -O2 -g -D_GNU_SOURCE
BENCH_CPU_PARTS := part_integer part_hash part_flags
BENCH_CPU_OBJ := $(patsubst %.c,$(BENCH)/%.o,$(CPU_SRC) \
  kernel/hosted/code_memory.c kernel/hosted/memory.c kernel/hosted/window.c \
  tests/unit/cpu_harness.c tests/unit/fault_harness.c tests/bench/cpu_mips.c \
  $(BENCH_CPU_PARTS:%=tests/bench/%.c))

$(BENCH)/%.o: %.c Makefile mk/45-bench-cpu.mk | $(DEPS_bench)
	@mkdir -p $(@D)
	@echo "  CC    $< (bench)"
	@$(CC) $(BENCH_CFLAGS) -c -o $@ $<

$(BENCH)/cpu_guest.bin: tests/bench/cpu_guest.ld $(BENCH)/guest/cpu_guest.o \
                        $(BENCH_CPU_PARTS:%=$(BENCH)/guest/%.o) $(GUESTS)/lib.o
	@$(CC) -m32 -nostdlib -no-pie -Wl,--build-id=none,--no-warn-rwx-segments \
	  -Wl,-T,$< -o $@.elf $(filter %.o,$^)
	@objcopy -O binary --set-section-flags .all=alloc,load,contents $@.elf $@

$(BENCH)/cpu_mips: $(BENCH_CPU_OBJ)
	@$(CC) -o $@ $^ -lm

.PHONY: bench-cpu
## bench-cpu       speed of the engines on an integer mix
bench-cpu: $(BENCH)/cpu_mips $(BENCH)/cpu_guest.bin
	@$(BENCH)/cpu_mips $(BENCH)/cpu_guest.bin

-include $(shell [ -d $(BENCH) ] && find $(BENCH) -name '*.d')
