# The hosted program: the same emulator, consoles and network on Linux.
HOSTED := $(BUILD)/hosted
HOSTED_SRC := $(EMU_SRC) $(KERNEL_SRC) $(sort $(wildcard kernel/hosted/*.c)) \
              drivers/input/input.c
HOSTED_SOURCES := $(call source_objects,$(HOSTED))
HOSTED_OBJ := $(patsubst %.c,$(HOSTED)/%.o,$(HOSTED_SRC)) \
              $(HOSTED)/kernel/firmware.o $(TABLE_OBJ)
REVISION := $(shell git rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
HOSTED_CFLAGS := $(COMMON_CFLAGS) $(HOST_CFLAGS) -D_GNU_SOURCE \
                 $(SOURCE_INC)
# What kernel/hosted needs: its displays.
HOSTED_LIBS := -lm -lncursesw -ltinfo -lvncserver
FIRMWARE_DIR ?= /usr/share/seabios

# Objects depend on a stamp that changes only when the flags do.
$(HOSTED)/flags: FORCE | $(DEPS_build)
	@mkdir -p $(@D)
	@echo '$(CC) $(HOSTED_CFLAGS)' | cmp -s - $@ || \
	  echo '$(CC) $(HOSTED_CFLAGS)' > $@
$(HOSTED)/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(REVISION)' | cmp -s - $@ || echo '$(REVISION)' > $@

$(HOSTED)/%.o: %.c $(HOSTED)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(HOSTED_CFLAGS) $(CFLAGS_$<) -c -o $@ $<
$(eval $(call source_rule,$(HOSTED),$(CC) -std=gnu11 $(HOST_CFLAGS)))
# Our network code sees lwIP's headers, so these must be there first.
$(filter $(HOSTED)/kernel/net/%,$(HOSTED_OBJ)): $(LWIP_STAMP)
$(HOSTED)/kernel/main.o: $(HOSTED)/revision
CFLAGS_kernel/main.c = -DTRESTLE_REVISION='"$(REVISION)"'

$(HOSTED)/kernel/firmware.o: kernel/firmware.S $(HOSTED)/flags
	@mkdir -p $(@D)
	@[ -f $(FIRMWARE_DIR)/bios-256k.bin ] || { \
	  echo "SeaBIOS is missing: apt-get install seabios"; exit 1; }
	@$(CC) -Wa,-I$(FIRMWARE_DIR) -c -o $@ $<

$(BUILD)/trestle: $(HOSTED_OBJ) $(HOSTED_SOURCES)
	@echo "  LD    $@"
	@$(CC) $(HOST_LDFLAGS) -o $@ $(HOSTED_OBJ) $(HOSTED_SOURCES) $(HOSTED_LIBS)

.PHONY: trestle FORCE
## trestle         the hosted program, build/trestle
trestle: $(BUILD)/trestle
FORCE:

-include $(shell [ -d $(HOSTED) ] && find $(HOSTED) -name '*.d')
