# Benchmarks beside QEMU, in the same run. Never a test.
$(BENCH)/guest/%.o: tests/bench/%.c | $(DEPS_bench)
	@mkdir -p $(@D)
	@$(CC) $(filter-out -Os,$(GUEST_CFLAGS)) -O2 -c -o $@ $<
$(BENCH)/mix.img: $(GUESTS)/boot.o $(BENCH)/guest/mix_guest.o \
                  $(BENCH)/guest/cpu_mix.o $(GUESTS)/lib.o tests/guests/guest.ld
	@ld -m elf_i386 -z noexecstack --no-warn-rwx-segments \
	  -T tests/guests/guest.ld -o $(@:.img=.elf) $(filter %.o,$^)
	@objcopy -O binary $(@:.img=.elf) $@
	@truncate -s '%65536' $@

.PHONY: bench
## bench           mix and boot beside QEMU TCG, latency, to BUILD/bench.md
bench: $(BUILD)/trestle $(BENCH)/mix.img $(BUILD)/router.img guests
	@echo "# make bench" >$(BUILD)/bench.md
	@python3 -B tests/bench/mix.py $(BUILD)/trestle $(BENCH)/mix.img \
	  --out $(BUILD)/bench.md
	@python3 -B tests/bench/boot.py $(BUILD)/trestle $(BUILD)/router.img \
	  --out $(BUILD)/bench.md
	@/usr/bin/python3 -B tests/bench/latency.py $(BUILD)/trestle $(GUESTS) \
	  --out $(BUILD)/bench.md
	@$(MAKE) bench-appliance

.PHONY: bench-appliance
## bench-appliance svm beside interp on the appliance: boot, idle, frames (root)
bench-appliance: appliance $(BUILD)/router.img guests | $(DEPS_test)
	@BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/appliance.py \
	  --out $(BUILD)/bench.md
-include $(wildcard $(BENCH)/guest/*.d)
