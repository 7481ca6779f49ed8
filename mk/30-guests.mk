# The project's own tiny guests: raw disk images, one per tests/guests/*.c but
# lib.c.
GUESTS := $(BUILD)/guests
GUEST_NAMES := $(filter-out lib,$(patsubst tests/guests/%.c,%,$(wildcard tests/guests/*.c)))
GUEST_CFLAGS := -m32 -march=i686 -Os -ffreestanding -fno-pic -fno-pie \
  -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
  -mno-sse -std=gnu11 -Wall -Wextra -Werror -I. -MD -MP

$(GUESTS)/%.o: tests/guests/%.c mk/30-guests.mk | $(DEPS_build)
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -c -o $@ $<
$(GUESTS)/%.o: tests/guests/%.S mk/30-guests.mk | $(DEPS_build)
	@mkdir -p $(@D)
	@$(CC) -m32 -c -o $@ $<
# Padded to a whole number of 64 KiB, so that tests have sectors to play with.
$(GUESTS)/%.img: $(GUESTS)/boot.o $(GUESTS)/%.o $(GUESTS)/lib.o tests/guests/guest.ld
	@echo "  GUEST $@"
	@ld -m elf_i386 -z noexecstack --no-warn-rwx-segments -T tests/guests/guest.ld \
	  -o $(@:.img=.elf) $(filter %.o,$^)
	@objcopy -O binary $(@:.img=.elf) $@
	@truncate -s '%65536' $@
$(GUESTS)/long64.img: $(GUESTS)/long64_code.o
$(GUESTS)/screens.img: $(GUESTS)/screens_code.o
.PRECIOUS: $(GUESTS)/%.o
# Programs for Linux guests, without a C library.
$(GUESTS)/linux/%: $(GUESTS)/linux/%.o
	@echo "  GUEST $@"
	@$(CC) -m32 -nostdlib -static -no-pie -Wl,--build-id=none \
	  -Wl,-z,noexecstack -o $@ $<

.PHONY: guests
## guests          the tests' own tiny guests, as disk images
guests: $(GUEST_NAMES:%=$(GUESTS)/%.img)
-include $(wildcard $(GUESTS)/*.d $(GUESTS)/linux/*.d)
