# Debian packages by group, checked once per build folder and change of the
# list. `$(DEPS_build)` and so on are order-only prerequisites.
DEPS_GROUPS := build run test bench
$(foreach g,$(DEPS_GROUPS),$(eval DEPS_$(g) := $(BUILD)/deps/$(g)))

$(BUILD)/deps/%: tools/deps.sh
	@tools/deps.sh $*
	@mkdir -p $(@D) && touch $@
.PRECIOUS: $(BUILD)/deps/%
