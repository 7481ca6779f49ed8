# How fast the interpreter is. Not a test: nothing fails on slowness.
BENCH := $(BUILD)/bench
BENCH_CFLAGS := $(COMMON_CFLAGS) -O2 -g -D_GNU_SOURCE
BENCH_CPU_OBJ := $(patsubst %.c,$(BENCH)/%.o,$(sort $(wildcard emu/cpu/*.c emu/jit/*.c)) \
  kernel/hosted/code_memory.c \
  tests/unit/cpu_harness.c tests/bench/cpu_mips.c tests/bench/cpu_mix.c)

$(BENCH)/%.o: %.c Makefile mk/45-bench-cpu.mk | $(DEPS_bench)
	@mkdir -p $(@D)
	@echo "  CC    $< (bench)"
	@$(CC) $(BENCH_CFLAGS) -c -o $@ $<

$(BENCH)/cpu_mix.bin: tests/bench/cpu_mix.c tests/bench/cpu_mix_guest.c \
                      tests/bench/cpu_mix.ld tests/bench/cpu_mix.h
	@mkdir -p $(@D)
	@$(CC) -m32 -std=gnu11 $(WARN) -I. -O2 -ffreestanding -fno-pic -no-pie \
	  -nostdlib -fno-stack-protector -fno-asynchronous-unwind-tables \
	  -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-T,tests/bench/cpu_mix.ld \
	  -o $@.elf tests/bench/cpu_mix.c tests/bench/cpu_mix_guest.c -lgcc
	@objcopy -O binary --set-section-flags .all=alloc,load,contents $@.elf $@

$(BENCH)/cpu_mips: $(BENCH_CPU_OBJ)
	@$(CC) -o $@ $^ -lm

.PHONY: bench-cpu
## bench-cpu       speed of the interpreter on an integer mix
bench-cpu: $(BENCH)/cpu_mips $(BENCH)/cpu_mix.bin
	@$(BENCH)/cpu_mips $(BENCH)/cpu_mix.bin

-include $(shell [ -d $(BENCH) ] && find $(BENCH) -name '*.d')
