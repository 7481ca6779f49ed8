# The tests. `check` is to take 40 minutes at most on two cores (docs/PLAN.md has
# what it takes); what is longer is in `check-long`. The order: what fails
# fastest first.
CHECKS := check-unit check-cpu check-fuzz check-hosted-cuts check-hosted \
    check-appliance
CHECKS_LONG := check-tsan check-lockstep check-fuzz-guest check-amd64 check-vmx-cpu \
    check-vmx-long check-uart-long check-nic-drivers check-user-nat check-power-cuts \
    check-router-cuts check-fuzz-long check-cpu-long \
    check-stress check-stress-interp check-jit-boots check-jit-fuzz \
    check-state-boot check-drift check-drift-appliance check-day check-terminal

# What is fetched or configured leaves a core idle by itself: it is begun before
# the first stage, beside which the rest of it is done.
CHECK_EARLY = $(BUILD)/router.img $(NEWLIB_STAMP)

# $(call run_checks,TARGETS): each with its time; the first failure ends it.
define run_checks
set -e; start=$$(date +%s); n=0; early="$(CHECK_EARLY)"; \
for t in $(1); do \
  begin=$$(date +%s); echo "== $$t"; \
  $(MAKE) -j$$(nproc) $$early $$t && early= || { echo "== $$t failed"; echo "$$n passed, 1 failed"; exit 1; }; \
  n=$$((n + 1)); echo "== $$t: $$(($$(date +%s) - begin)) s"; \
done; \
echo "== all in $$(($$(date +%s) - start)) s"; echo "$$n passed, 0 failed"
endef

# $(call run_logged,LOG,COMMAND): what it says goes to LOG, and to the terminal
# where it fails: nothing gets mixed up where make runs several jobs.
define run_logged
$(2) > $(1) 2>&1 || { cat $(1); exit 1; }
endef

# Debian's python3: pytest, pexpect and scapy are its packages.
PYTEST = BUILD=$(BUILD) PYTHONPATH=tests /usr/bin/python3 -B -m pytest -q \
    -p no:cacheprovider
# A test keeps little more than one core busy. With 1, pytest by itself: its -s
# and --pdb work.
TEST_JOBS ?= 2
PYTEST_TOGETHER = $(PYTEST) -p together \
    $(if $(filter-out 1,$(TEST_JOBS)),-n $(TEST_JOBS) --dist loadgroup)

.PHONY: check check-long
## check           the tests, some 40 minutes on two cores
check: | $(DEPS_test)
	@$(call run_checks,$(CHECKS))
## check-long      threads, lockstep, amd64, VT-x, fuzzing, CPU, jit ... (hours)
check-long: | $(DEPS_test)
	@$(call run_checks,$(CHECKS_LONG))
