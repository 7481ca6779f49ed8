# The keyboard layouts' tables, for every program.
KEYMAP_OBJ := $(BUILD)/keymap/keymaps.o
TABLE_OBJ += $(KEYMAP_OBJ)

$(BUILD)/keymap/keymaps.S: tools/keymaps.py | $(DEPS_build)
	@mkdir -p $(@D)
	@python3 -B tools/keymaps.py > $@.new && mv $@.new $@
$(KEYMAP_OBJ): $(BUILD)/keymap/keymaps.S
	@$(CC) -c -o $@ $<
