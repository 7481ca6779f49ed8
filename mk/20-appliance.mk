# The appliance: trestle.elf, its boot medium, and QEMU to try it in.
METAL := $(BUILD)/appliance
, := ,
METAL_SRC := $(sort $(wildcard kernel/metal/*.c))
# Parsers and the like that touch no hardware themselves: tested and fuzzed on Linux.
METAL_PURE := $(addprefix kernel/metal/,acpi_tables.c cmdline.c format.c \
    host_pci_irq.c host_pci_master.c hv_bus.c hv_debug.c hv_nested.c hv_stretch.c \
    input_news.c multiboot.c ranges.c rtc_time.c svm_caps.c uart_model.c uart_window.c \
    vmx_caps.c vmx_guest.c)
METAL_ASM := boot/entry.S boot/ap_entry.S $(sort $(wildcard kernel/metal/*.S)) \
    kernel/firmware.S
APPLIANCE_SRC := $(METAL_SRC) $(EMU_SRC) $(KERNEL_SRC) $(DRIVER_SRC)
# For trying things: more objects to link.
APPLIANCE_EXTRA_OBJ ?=

APPLIANCE_CFLAGS = -O2 -g $(COMMON_CFLAGS) $(METAL_ABI) -nostdinc \
    -isystem $(GCC_INC) -isystem $(NEWLIB_INC) -U__linux__ -U__unix__ \
    $(SOURCE_INC)
# Code that interrupt handlers and a panic may run: no FPU, no SSE.
IRQ_SAFE := $(METAL_SRC) drivers/char/uart16550.c drivers/input/kbc.c \
    kernel/log_ring.c kernel/platform_log.c kernel/screen/canvas.c kernel/screen/font.c
APPLIANCE_LDFLAGS := -nostdlib -static -T linker.ld -z max-page-size=4096 \
    -z noexecstack --build-id=sha1 --no-warn-rwx-segments

APPLIANCE_OBJ := $(patsubst %.c,$(METAL)/%.o,$(APPLIANCE_SRC)) \
    $(patsubst %.S,$(METAL)/%.o,$(METAL_ASM)) $(TABLE_OBJ)
APPLIANCE_SOURCES := $(call source_objects,$(METAL))

# Objects depend on a stamp that changes only when the flags do.
$(METAL)/flags: FORCE | $(DEPS_build)
	@mkdir -p $(@D)
	@echo '$(CC) $(APPLIANCE_CFLAGS)' | cmp -s - $@ || \
	  echo '$(CC) $(APPLIANCE_CFLAGS)' > $@
$(METAL)/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(REVISION)' | cmp -s - $@ || echo '$(REVISION)' > $@
# The list of sources, so that a removed file is unlinked too.
$(METAL)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(APPLIANCE_OBJ) $(APPLIANCE_EXTRA_OBJ)' | cmp -s - $@ || \
	  echo '$(APPLIANCE_OBJ) $(APPLIANCE_EXTRA_OBJ)' > $@

$(METAL)/kernel/main.o: $(METAL)/revision
$(METAL)/kernel/main.o: CFLAGS_FILE := -DTRESTLE_REVISION='"$(REVISION)"'
$(patsubst %.c,$(METAL)/%.o,$(IRQ_SAFE)): CFLAGS_FILE := -mgeneral-regs-only

$(METAL)/%.o: %.c $(METAL)/flags $(NEWLIB_STAMP)
	@mkdir -p $(@D)
	@echo "  CC    $< (appliance)"
	@$(CC) $(APPLIANCE_CFLAGS) $(CFLAGS_FILE) -c -o $@ $<
$(METAL)/%.o: %.S $(METAL)/flags
	@mkdir -p $(@D)
	@echo "  AS    $<"
	@$(CC) -Wa,-I$(FIRMWARE_DIR) -MMD -MP -c -o $@ $<
$(eval $(call source_rule,$(METAL),$$(CC) $$(APPLIANCE_CFLAGS)))
$(APPLIANCE_SOURCES): $(NEWLIB_STAMP)
# Our network code sees lwIP's headers, so these must be there first.
$(filter $(METAL)/kernel/net/% $(METAL)/kernel/metal/transport%, \
  $(APPLIANCE_OBJ)): $(LWIP_STAMP)

# $(call appliance_link,OBJECTS): $@ from them. Twice: the symbol table of the
# first link goes into the second.
define appliance_link
@echo "  LD    $@"
@python3 tools/symtab.py --empty > $(METAL)/$(@F)0.S
@$(CC) -c -o $(METAL)/$(@F)0.o $(METAL)/$(@F)0.S
@ld $(APPLIANCE_LDFLAGS) -o $(METAL)/$(@F).first $(1) $(METAL)/$(@F)0.o \
  $(APPLIANCE_LIBS)
@python3 tools/symtab.py $(METAL)/$(@F).first > $(METAL)/$(@F).S
@$(CC) -c -o $(METAL)/$(@F).o $(METAL)/$(@F).S
@ld $(APPLIANCE_LDFLAGS) -o $@ $(1) $(METAL)/$(@F).o $(APPLIANCE_LIBS)
@python3 tools/symtab.py --check $(METAL)/$(@F).first $@
endef
APPLIANCE_LIBS = $(APPLIANCE_SOURCES) -L$(NEWLIB_LIB) --start-group -lc -lm --end-group
$(BUILD)/trestle.elf: $(APPLIANCE_OBJ) $(APPLIANCE_EXTRA_OBJ) $(APPLIANCE_SOURCES) linker.ld \
    tools/symtab.py $(METAL)/sources
	$(call appliance_link,$(APPLIANCE_OBJ) $(APPLIANCE_EXTRA_OBJ))

# ---- Boot medium ----------------------------------------------------------

# IMAGE: the disk image that the medium carries as router.img; by default the
# one that `make router-image` builds. None: IMAGE=
# CONF: a trestle.conf (docs/MANUAL.md) instead; the medium carries it and the
# images that it names.
CONF ?=
IMAGE ?= $(if $(CONF),,$(BUILD)/router.img)
APPLIANCE_OPTIONS ?= $(if $(IMAGE),-m 64 -hda router.img -net nic -net bridge)
# NAME=FILE: the medium's modules.
MEDIUM := $(if $(IMAGE),router.img=$(IMAGE)) \
    $(if $(CONF),trestle.conf=$(CONF) $(shell tools/conf-images.py $(CONF) || echo failed))
ifneq ($(filter failed,$(MEDIUM)),)
$(error $(CONF) cannot be put on a medium)
endif
MEDIUM_FILES := $(foreach m,$(MEDIUM),$(lastword $(subst =, ,$m)))
GRUB_MODULES := multiboot2 normal part_gpt part_msdos iso9660 fat all_video \
    gfxterm serial terminal gzio search echo test boot font configfile

GRUB_START := boot/grub-start.cfg

$(METAL)/medium: FORCE
	@mkdir -p $(@D)
	@echo '$(MEDIUM) $(APPLIANCE_OPTIONS)' | cmp -s - $@ || \
	  echo '$(MEDIUM) $(APPLIANCE_OPTIONS)' > $@

$(BUILD)/trestle.iso: $(BUILD)/trestle.elf $(GRUB_START) boot/grub-iso.cfg $(MEDIUM_FILES) \
    $(METAL)/medium | $(DEPS_run)
	@echo "  ISO   $@"
	@rm -rf $(METAL)/iso && mkdir -p $(METAL)/iso/boot/grub
	@strip -o $(METAL)/iso/boot/trestle.elf $<
	@sed -e 's|@OPTIONS@|$(APPLIANCE_OPTIONS)|' \
	  -e 's|@MODULES@|$(foreach m,$(MEDIUM),module2 /$(firstword $(subst =, ,$m)) $(firstword $(subst =, ,$m))\n   )|' \
	  $(GRUB_START) boot/grub-iso.cfg > $(METAL)/iso/boot/grub/grub.cfg
	@set -e; for m in $(MEDIUM); do \
	  gzip -c "$${m#*=}" > $(METAL)/iso/$${m%%=*}; done
	@grub-mkrescue --locales= --fonts= --themes= \
	  --install-modules="$(GRUB_MODULES)" --compress=xz -o $@ $(METAL)/iso \
	  > $(METAL)/iso.log 2>&1 || { cat $(METAL)/iso.log >&2; exit 1; }

# STICK: the file that is made. IMAGE goes into its slot a; CONF as with iso.
STICK ?= $(BUILD)/trestle-stick.img
.PHONY: stick
## stick           a USB stick's or disk's content, with IMAGE=file in its slot,
##                 STICK=build/trestle-stick.img CONF=file
stick: $(BUILD)/trestle.elf $(BUILD)/trestle $(filter $(BUILD)/router.img,$(IMAGE)) \
    | $(DEPS_run)
	@tools/make-stick.py --image '$(IMAGE)' --conf '$(CONF)' --out '$(STICK)' \
	  --elf $(BUILD)/trestle.elf --trestle $(BUILD)/trestle

.PHONY: appliance iso run
## appliance       the bare-machine program, build/trestle.elf
appliance: $(BUILD)/trestle.elf
## iso             boot medium (CD, stick, disk; BIOS, UEFI), IMAGE= or CONF=file
iso: $(BUILD)/trestle.iso
	@ls -l $< | awk '{printf "  %s: %.1f MB\n", "$<", $$5 / 1e6}'

# ---- Run in QEMU ----------------------------------------------------------

QEMU ?= qemu-system-x86_64
FIRMWARE ?= bios
MACHINE ?= q35
OVMF ?= /usr/share/OVMF
# One with AMD-V and nested paging, which TCG emulates: the engine is svm.
QEMU_CPU ?= max
RUN_NET ?= -netdev user,id=n0 -device e1000,netdev=n0
QEMU_FIRMWARE := $(if $(filter uefi,$(FIRMWARE)), \
    -drive if=pflash$(,)format=raw$(,)readonly=on$(,)file=$(OVMF)/OVMF_CODE_4M.fd \
    -drive if=pflash$(,)format=raw$(,)file=$(METAL)/ovmf_vars.fd,)
# The terminal is COM1 itself: Ctrl-a and Ctrl-c reach Trestle.
QEMU_CONSOLE := -chardev stdio,id=c0,signal=off,mux=off -serial chardev:c0 \
    -display none -monitor none
## run             boot the medium in QEMU on this terminal (FIRMWARE=bios|uefi,
##                 QEMU_CPU=max)
run: $(BUILD)/trestle.iso
	@cp $(OVMF)/OVMF_VARS_4M.fd $(METAL)/ovmf_vars.fd
	@$(QEMU) -machine $(MACHINE) -cpu $(QEMU_CPU) -m 512 $(QEMU_FIRMWARE) $(QEMU_CONSOLE) \
	  $(RUN_NET) -cdrom $< -boot d

# ---- Tests ----------------------------------------------------------------

.PHONY: check-appliance
## check-appliance the appliance's tests in QEMU, PYTEST_ARGS= TEST_JOBS=2
check-appliance: $(BUILD)/trestle.iso $(BUILD)/trestle $(BUILD)/enginetest.elf guests | $(DEPS_test)
	@$(PYTEST_TOGETHER) tests/appliance tests/nbd $(PYTEST_ARGS)

.PHONY: check-uart-long
## check-uart-long a UART at 115200 baud under 100 MB of bridge load
check-uart-long: appliance guests | $(DEPS_test)
	@UART_LOAD_MB=100 $(PYTEST) -s tests/appliance/test_uart_load.py

.PHONY: check-power-cuts
## check-power-cuts  power cut 20 times under guests on each disk controller,
##                 and 100 MB written, CUTS= CUT_SEED= CUT_CONTROLLERS=ahci,ide
check-power-cuts: appliance guests $(BUILD)/router.img | $(DEPS_test)
	@$(PYTEST) -s tests/appliance/long_power_cuts.py

.PHONY: check-nic-drivers
## check-nic-drivers each NIC driver on a bridge: 100 MB each way, 10 minutes of
##                 hostile frames, NIC_MEGABYTES= NIC_MINUTES= (root)
check-nic-drivers: appliance guests | $(DEPS_test)
	@$(PYTEST) -s tests/appliance/long_nic_drivers.py

.PHONY: check-user-nat
## check-user-nat  a router behind -net user: names, 100 MB each way, 2,000
##                 connections at once, USER_NAT_MEGABYTES=
##                 USER_NAT_CONNECTIONS= (root)
check-user-nat: appliance $(BUILD)/router.img $(BUILD)/guests/linux/many_tcp \
                | $(DEPS_test)
	@$(PYTEST) -s tests/appliance/long_user_nat.py

.PHONY: check-terminal
## check-terminal  vi, top and a paste on the appliance's line in tmux
check-terminal: appliance $(BUILD)/trestle.iso | $(DEPS_test)
	@$(PYTEST) -s tests/appliance/long_terminal.py

.PHONY: check-drift-appliance
## check-drift-appliance  as check-drift, of guests on the appliance in QEMU
check-drift-appliance: appliance $(BUILD)/router.img | $(DEPS_test)
	@PYTHONPATH=tests:tests/appliance /usr/bin/python3 -B tests/long/drift_appliance.py \
	  -t $(DRIFT_SECONDS) $(BUILD)/trestle.elf $(BUILD)/router.img $(ARGS)

.PHONY: check-amd64
## check-amd64     Debian amd64 as a guest under svm in QEMU, on a LAN (root)
check-amd64: appliance $(BUILD)/router-amd64.img | $(DEPS_test)
	@AMD64_GUEST=1 $(PYTEST) -s tests/appliance/test_long_mode.py -k amd64

.PHONY: check-vmx-long
## check-vmx-long  Linux of 32 and 64 bits, gdb, under VT-x in Bochs (20 minutes)
check-vmx-long: appliance router-image router-image-amd64 | $(DEPS_test)
	@$(PYTEST) -s tests/appliance/long_bochs.py tests/appliance/long_gdb_bochs.py

-include $(shell [ -d $(METAL) ] && find $(METAL) -name '*.d')
