# The hosted program on a pseudo terminal, in network namespaces (as root).
.PHONY: check-hosted
# Debian's python3: pexpect is its package.
## check-hosted    the hosted program's tests, PYTEST_ARGS=
check-hosted: $(BUILD)/trestle $(BUILD)/enginetest guests $(BUILD)/router.img | $(DEPS_test)
	@BUILD=$(BUILD) /usr/bin/python3 -B -m pytest -q -p no:cacheprovider \
	  tests/hosted $(PYTEST_ARGS)
