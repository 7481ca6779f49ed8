# Benchmarks beside QEMU, in the same run. Never a test.
BENCH_PARTS_C := $(notdir $(basename $(wildcard tests/bench/part_*.c)))
BENCH_FPU_part_x87 := -mfpmath=387 -fexcess-precision=standard
BENCH_FPU_part_sse2 := -msse2 -mmmx -mfpmath=sse
BENCH_PART_CFLAGS = -O2 -fno-tree-vectorize -fno-math-errno \
  $(BENCH_FPU_$(basename $(@F)))

$(BENCH)/guest/%.o: tests/bench/%.c mk/46-bench.mk | $(DEPS_bench)
	@mkdir -p $(@D)
	@$(CC) $(filter-out -Os,$(GUEST_CFLAGS)) $(BENCH_PART_CFLAGS) -c -o $@ $<
$(BENCH)/guest/%.o: tests/bench/%.S mk/46-bench.mk | $(DEPS_bench)
	@mkdir -p $(@D)
	@$(CC) -m32 -c -o $@ $<
$(BENCH)/mix.img: $(GUESTS)/boot.o $(BENCH)/guest/mix_guest.o \
                  $(BENCH)/guest/serve.o $(BENCH)/guest/system.o \
                  $(BENCH)/guest/system_entry.o \
                  $(BENCH_PARTS_C:%=$(BENCH)/guest/%.o) \
                  $(GUESTS)/lib.o tests/guests/guest.ld
	@ld -m elf_i386 -z noexecstack --no-warn-rwx-segments \
	  -T tests/guests/guest.ld -o $(@:.img=.elf) $(filter %.o,$^)
	@objcopy -O binary $(@:.img=.elf) $@
	@truncate -s '%65536' $@

# The same parts as Linux programs: IA-32, and for machines that refuse it
# 64-bit code with 32-bit pointers (x32) and IA-32's eight registers, in a file
# that every 64-bit Linux starts.
BENCH_NATIVE_OBJ := $(patsubst %,%.o,mix_native serve \
  $(filter-out part_system,$(BENCH_PARTS_C)))
BENCH_NATIVE_LINK := -nostdlib -static -no-pie -Wl,--build-id=none \
  -Wl,-z,noexecstack,--no-warn-rwx-segments,-N,-Ttext=0x10000000
BENCH_ABI_ia32 := -m32 -march=i686
BENCH_ABI_x32 := -mx32 $(patsubst %,-ffixed-%,r8 r9 r10 r11 r12 r13 r14 r15)
define BENCH_NATIVE
$(BENCH)/$(1)/%.o: tests/bench/%.c mk/46-bench.mk | $(DEPS_bench)
	@mkdir -p $$(@D)
	@$(CC) $(filter-out -Os -m32 -march=i686,$(GUEST_CFLAGS)) \
	  $(BENCH_ABI_$(1)) $$(BENCH_PART_CFLAGS) -c -o $$@ $$<
$(BENCH)/native-$(1): $(BENCH_NATIVE_OBJ:%=$(BENCH)/$(1)/%)
	@$(CC) $(BENCH_ABI_$(1)) $(BENCH_NATIVE_LINK) -o $$@ $$^
	$(if $(filter x32,$(1)),@objcopy -O elf64-x86-64 $$@)
-include $(wildcard $(BENCH)/$(1)/*.d)
endef
$(foreach abi,ia32 x32,$(eval $(call BENCH_NATIVE,$(abi))))

# Shorter: BENCH_PARTS=int80,x87 (names of parts or groups) BENCH_ROUNDS=1
# BENCH_ENGINES=jit.
BENCH_ROUNDS ?= 5
BENCH_ENGINES ?= jit interp
BENCH_RUN = --rounds $(BENCH_ROUNDS) --engines "$(BENCH_ENGINES)" \
  --parts "$(BENCH_PARTS)" --out "$(BENCH_OUT)"
BENCH_OUT ?=
BENCH_REPORT := docs/BENCHMARKS.md

.PHONY: bench
## bench           jit, whole, disk, network, latency, appliance, written to
##                 docs/BENCHMARKS.md
bench: $(BUILD)/trestle guests
	@$(MAKE) bench-jit BENCH_OUT=$(BENCH_REPORT)
	@$(MAKE) bench-whole BENCH_OUT=$(BENCH_REPORT)
	@$(MAKE) bench-disk BENCH_OUT=$(BENCH_REPORT)
	@$(MAKE) bench-network BENCH_OUT=$(BENCH_REPORT)
	@/usr/bin/python3 -B tests/bench/latency.py $(BUILD)/trestle $(GUESTS) \
	  --out $(BENCH_REPORT)
	@$(MAKE) bench-appliance BENCH_OUT=$(BENCH_REPORT)

.PHONY: bench-jit
## bench-jit       code and system parts: BENCH_PARTS=int80,x87 BENCH_ROUNDS=1
bench-jit: $(BUILD)/trestle $(BENCH)/mix.img $(BENCH)/native-ia32 \
           $(BENCH)/native-x32
	@python3 -B tests/bench/mix.py $^ $(BENCH_RUN)

.PHONY: bench-whole
## bench-whole     boot, forks, gzip, sha256, openssl; BENCH_PARTS=boot,500
bench-whole: $(BUILD)/trestle $(BUILD)/router.img $(BUILD)/stress.img
	@python3 -B tests/bench/whole.py $^ $(BENCH_RUN)

.PHONY: bench-disk
## bench-disk      the guest's disk, sequential and random; BENCH_PARTS=random
bench-disk: $(BUILD)/trestle $(BUILD)/router.img $(BUILD)/stress.img
	@python3 -B tests/bench/disk.py $^ $(BENCH_RUN)

.PHONY: bench-network
## bench-network   iperf3 to, from and through the guest (root); BENCH_PARTS=TCP
bench-network: $(BUILD)/trestle $(BUILD)/router.img $(BUILD)/stress.img \
               | $(DEPS_bench)
	@python3 -B tests/bench/network.py $^ $(BENCH_RUN)

.PHONY: bench-appliance
## bench-appliance svm, jit, interp on the appliance: boot, idle, frames (root)
bench-appliance: appliance $(BUILD)/router.img guests | $(DEPS_test)
	@BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/appliance.py \
	  --out "$(BENCH_OUT)"

# By callgrind, where the same run has the same count. Rounds alone: the run
# without any is taken off.
BENCH_NAT_ROUNDS := 20000
BENCH_NAT_RUN = valgrind --tool=callgrind --callgrind-out-file=/dev/null \
  --toggle-collect=nat_outbound --toggle-collect=nat_inbound $<
.PHONY: bench-nat
## bench-nat       instructions a packet through the address translator
bench-nat: $(BENCH)/nat-packets
	@for k in tcp-out tcp-in udp-out udp-in; do \
	  for n in 0 $(BENCH_NAT_ROUNDS); do $(BENCH_NAT_RUN) $$k $$n 2>&1; done | \
	  awk -v k=$$k '/Collected/ { n = $$NF - n } END { printf \
	    "%s %.0f instructions a packet\n", k, n / $(BENCH_NAT_ROUNDS) }'; \
	done
$(BENCH)/nat-packets: $(HOSTED)/tests/bench/nat_packets.o \
    $(filter $(HOSTED)/kernel/net/nat/%,$(HOSTED_OBJ)) \
    $(HOSTED)/kernel/net/packet.o | $(DEPS_bench)
	@mkdir -p $(@D)
	@$(CC) -o $@ $^
-include $(wildcard $(BENCH)/guest/*.d)
