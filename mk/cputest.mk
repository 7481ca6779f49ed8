# Random comparison of the interpreter with the processor of this machine.
CPUTEST := $(BUILD)/cputest
# Position-independent: nothing of its own lies below 4 GiB (memory.c).
CPUTEST_CFLAGS := $(COMMON_CFLAGS) $(HOST_CFLAGS) -fpie
CPUTEST_OBJ := $(patsubst %.c,$(CPUTEST)/%.o,$(CPU_SRC) \
                 $(sort $(wildcard tests/cpu/*.c)) kernel/hosted/code_memory.c kernel/hosted/memory.c \
                 kernel/hosted/window.c tests/unit/cpu_harness.c \
                 tests/unit/fault_harness.c)
CPUTEST_RUNS ?= 1000
# Each run has its own pages, and so faults.
CPUTEST_WINDOW_RUNS ?= 100
CPUTEST_RUN_BY := $(addprefix run-cputest-,interp jit jit$(,)window)

$(CPUTEST)/%.o: %.c Makefile mk/cputest.mk | $(DEPS_test)
	@mkdir -p $(@D)
	@echo "  CC    $< (cputest)"
	@$(CC) $(CPUTEST_CFLAGS) -c -o $@ $<

$(CPUTEST)/cputest: $(CPUTEST_OBJ)
	@$(CC) -pie -o $@ $^

# No libc variables in the code's segments: the helper loads all of them. It lies
# where no operand is likely to be.
$(CPUTEST)/ia32: tests/cpu/ia32/helper.c tests/cpu/state.h mk/cputest.mk | $(DEPS_test)
	@mkdir -p $(@D)
	@echo "  CC    $< (IA-32)"
	@$(CC) $(filter-out -MD -MP,$(COMMON_CFLAGS)) -O1 -m32 -static -fno-pie \
	  -fno-stack-protector -mgeneral-regs-only \
	  -Wl,-Ttext-segment=0x735c9000 -o $@ $<

.PHONY: check-cpu check-cpu-long $(CPUTEST_RUN_BY)
$(CPUTEST_RUN_BY): run-cputest-%: $(CPUTEST)/cputest $(CPUTEST)/ia32
	@echo "  RUN   cputest ($*)"
	@$(call run_logged,$(CPUTEST)/$*.log,HARNESS_ENGINE=$* timeout 900 $< \
	  --helper $(CPUTEST)/ia32 --runs $(if $(findstring window,$*),$(CPUTEST_WINDOW_RUNS),$(CPUTEST_RUNS)))
	@sed -n 's/^\(sequences:\|seed\)/  $*: &/p' $(CPUTEST)/$*.log
## check-cpu       interp, jit against this processor, 1000 runs of each form,
##                 100 with all of jit's code in the window
check-cpu: $(CPUTEST_RUN_BY)

## check-cpu-long  the same with 20000 runs of each form and other seeds
check-cpu-long: $(CPUTEST)/cputest $(CPUTEST)/ia32
	@for seed in 2 3; do \
	  timeout 7200 $< --helper $(CPUTEST)/ia32 --runs 20000 --sequences 2000000 --seed $$seed || exit 1; done

-include $(shell [ -d $(CPUTEST) ] && find $(CPUTEST) -name '*.d')
