# The screen's font and its tables. TABLE_OBJ: what tools make for every program.
FONT_OBJ := $(BUILD)/font/font.o
TABLE_OBJ := $(FONT_OBJ)

$(BUILD)/font/font.S: tools/font.py tools/font_extra.py | $(DEPS_build)
	@mkdir -p $(@D)
	@python3 -B tools/font.py $(FIRMWARE_DIR)/vgabios-stdvga.bin > $@
$(FONT_OBJ): $(BUILD)/font/font.S
	@$(CC) -c -o $@ $<
