# Debian's i386 stress programs on a disk, and their run in the hosted emulator. See docs/STRESS.md.
STRESS_DISK_SRC := $(shell find tools/stress-disk -type f) tools/lib/debian.sh

.PHONY: stress-disk check-stress
## stress-disk     disk with stress-ng, openssl, memtester and fio: stress.img
stress-disk: $(BUILD)/stress.img

$(BUILD)/stress.img: $(STRESS_DISK_SRC) | $(DEPS_run)
	tools/stress-disk/build.sh $(BUILD)

## check-stress    those programs in the hosted emulator, 20 minutes
check-stress: $(BUILD)/trestle $(BUILD)/router.img $(BUILD)/stress.img | $(DEPS_test)
	/usr/bin/python3 tests/long/stress.py $^
