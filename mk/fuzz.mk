# Fuzzing: one libFuzzer program per tests/fuzz/fuzz_*.c, under ASan and UBSan,
# linked with the fakes first and a library of everything behind them, as unit
# tests are. A fuzzer names the files it is for in lines `// covers: FILE ...`;
# their line coverage is what check-fuzz-long prints: it has a build of its own,
# below fuzz-long, as counting costs, and the same corpus.
FUZZ := $(BUILD)/fuzz
FUZZ_LONG := $(BUILD)/fuzz-long
FUZZ_CORPUS := $(BUILD)/fuzz/corpus
FUZZ_CC ?= clang
LLVM_PROFDATA ?= llvm-profdata-14
LLVM_COV ?= llvm-cov-14
FUZZ_SECONDS ?= 20
FUZZ_LONG_SECONDS ?= 300
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_COVERAGE :=
FUZZ_INSTRUMENT := -fsanitize=fuzzer-no-link $(FUZZ_SAN) $(FUZZ_COVERAGE)
# Warnings are the other builds' matter.
FUZZ_CFLAGS := -std=gnu11 -w -O1 -g -I. -MMD -MP -fno-strict-aliasing \
               -D_GNU_SOURCE $(FUZZ_INSTRUMENT) $(SOURCE_INC)
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZERS := $(addprefix $(FUZZ)/,$(FUZZ_NAMES))
FUZZ_LIB_SRC := $(filter-out %/main.c,$(EMU_SRC) $(DRIVER_SRC) $(KERNEL_SRC) \
                  $(sort $(wildcard kernel/hosted/*.c)) $(METAL_PURE))
FUZZ_LIB_OBJ := $(patsubst %.c,$(FUZZ)/%.o,$(FUZZ_LIB_SRC)) \
                $(FUZZ)/kernel/firmware.o $(TABLE_OBJ) $(call source_objects,$(FUZZ))
FUZZ_FAKE_OBJ := $(patsubst %.c,$(FUZZ)/%.o,$(sort $(wildcard tests/unit/fake_*.c)))

$(FUZZ)/flags: FORCE | $(DEPS_test)
	@mkdir -p $(@D)
	@echo '$(FUZZ_CFLAGS)' | cmp -s - $@ || echo '$(FUZZ_CFLAGS)' > $@
$(eval $(call source_rule,$(FUZZ),$(FUZZ_CC) -std=gnu11 -O1 -g $(FUZZ_INSTRUMENT)))
$(filter $(FUZZ)/kernel/net/%,$(FUZZ_LIB_OBJ)): $(LWIP_STAMP)
$(patsubst %,$(FUZZ)/tests/fuzz/%.o,$(FUZZ_NAMES)): $(LWIP_STAMP)

$(FUZZ)/kernel/firmware.o: kernel/firmware.S $(FUZZ)/flags
	@mkdir -p $(@D)
	@$(FUZZ_CC) -Wa,-I$(FIRMWARE_DIR) -c -o $@ $<
$(FUZZ)/%.o: %.c $(FUZZ)/flags
	@mkdir -p $(@D)
	@echo "  CC    $< (fuzzing)"
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<

$(FUZZ)/libtrestle.a: $(FUZZ_LIB_OBJ)
	@rm -f $@ && ar rcs $@ $^
$(FUZZ)/libfake.a: $(FUZZ_FAKE_OBJ)
	@rm -f $@ && ar rcs $@ $^
$(FUZZERS): $(FUZZ)/%: $(FUZZ)/tests/fuzz/%.o $(FUZZ)/libfake.a $(FUZZ)/libtrestle.a
	@$(FUZZ_CC) -fsanitize=fuzzer $(FUZZ_SAN) $(FUZZ_COVERAGE) -o $@ \
	  $< $(FUZZ)/libfake.a $(FUZZ)/libtrestle.a $(HOSTED_LIBS)

# run-NAME: a fuzzer from its own growing corpus, beside others where make runs
# several jobs; a failure leaves the input that did it beside the corpus.
FUZZ_RUNS := $(FUZZ_NAMES:%=run-%)
.PHONY: fuzz check-fuzz check-fuzz-long $(FUZZ_RUNS)
$(FUZZ_RUNS): run-%: $(FUZZERS)
	@mkdir -p $(FUZZ_CORPUS)/$*; echo "  FUZZ  $* ($(FUZZ_SECONDS) s)"
	@$(call run_logged,$(FUZZ)/$*.log,LLVM_PROFILE_FILE=$(FUZZ)/$*.profraw \
	  timeout $$(($(FUZZ_SECONDS) + 60)) $(FUZZ)/$* \
	  -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 \
	  -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
	  -artifact_prefix=$(FUZZ)/$*- $(FUZZ_CORPUS)/$*)
	@echo "  $*: $$(sed -n 's/^stat::number_of_executed_units: *//p' \
	  $(FUZZ)/$*.log) runs"

## fuzz            build the fuzzers
fuzz: $(FUZZERS)
## check-fuzz      each fuzzer for FUZZ_SECONDS (20)
check-fuzz: $(FUZZ_RUNS)
## check-fuzz-long each fuzzer for FUZZ_LONG_SECONDS (300), and its coverage
check-fuzz-long: | $(DEPS_test)
	@$(MAKE) FUZZ=$(FUZZ_LONG) FUZZ_SECONDS=$(FUZZ_LONG_SECONDS) \
	  FUZZ_COVERAGE='-fprofile-instr-generate -fcoverage-mapping' check-fuzz
	@set -e; for f in $(FUZZ_NAMES); do \
	  covers=$$(sed -n 's|^// covers: *||p' tests/fuzz/$$f.c); \
	  $(LLVM_PROFDATA) merge -sparse -o $(FUZZ_LONG)/$$f.profdata $(FUZZ_LONG)/$$f.profraw; \
	  $(LLVM_COV) export -summary-only -instr-profile=$(FUZZ_LONG)/$$f.profdata \
	    $(FUZZ_LONG)/$$f $$covers | tests/fuzz/coverage.py $$f; \
	done

-include $(shell [ -d $(FUZZ) ] && find $(FUZZ) -name '*.d')
