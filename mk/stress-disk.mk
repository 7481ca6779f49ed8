# Debian's i386 stress programs on a disk, and their run in the hosted emulator. See docs/STRESS.md.
STRESS_DISK_SRC := $(shell find tools/stress-disk -type f) tools/lib/debian.sh

.PHONY: stress-disk check-stress check-stress-interp
## stress-disk     disk of stress-ng, openssl, memtester, fio, iperf3
stress-disk: $(BUILD)/stress.img

$(BUILD)/stress.img: $(STRESS_DISK_SRC) | $(DEPS_run)
	tools/stress-disk/build.sh $(BUILD)

# By the engine that is the default, or ENGINE=.
## check-stress    those programs in the hosted emulator, 20 minutes; ENGINE=
check-stress: $(BUILD)/trestle $(BUILD)/router.img $(BUILD)/stress.img | $(DEPS_test)
	/usr/bin/python3 tests/long/stress.py $(if $(ENGINE),--accel $(ENGINE)) $^

## check-stress-interp  the same by the interpreter
check-stress-interp: ENGINE = interp
check-stress-interp: check-stress
