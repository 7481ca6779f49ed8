# A small Debian for i386 on a GRUB 2 disk, and its boot under svm. See
# docs/GUESTS.md.
DEBIAN_DISK_SRC := $(shell find tools/debian-disk -type f) tools/lib/debian.sh \
    tools/router-image/modules.py tools/router-image/mkcpio.py

.PHONY: debian-disk check-debian
## debian-disk     Debian for i386, systemd and all, on a disk: debian.img
debian-disk: $(BUILD)/debian.img

# Its initramfs is made by Debian's mkinitramfs in a guest of the hosted program.
$(BUILD)/debian.img: $(DEBIAN_DISK_SRC) | $(BUILD)/trestle $(DEPS_run)
	tools/debian-disk/build.sh $(BUILD)

## check-debian    that disk as a guest under svm in QEMU, to its login
check-debian: appliance $(BUILD)/debian.img | $(DEPS_test)
	@$(PYTEST) -s tests/appliance/long_debian.py
