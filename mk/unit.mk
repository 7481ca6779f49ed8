# Unit tests: hosted, cmocka, ASan+UBSan. One program per tests/unit/test_*.c,
# linked with the fake machine first and a library of all emu/ and drivers/
# objects behind it, so that a test which calls the fake gets the fake.
UNIT := $(BUILD)/unit
UNIT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
UNIT_CFLAGS := $(COMMON_CFLAGS) -O1 -g $(UNIT_SAN) -D_GNU_SOURCE
UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_LIB_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(EMU_SRC) $(DRIVER_SRC))
UNIT_FAKE_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(sort $(wildcard tests/unit/fake_*.c \
                   tests/unit/*_harness.c)))

$(UNIT)/%.o: %.c Makefile mk/unit.mk
	@mkdir -p $(@D)
	@echo "  CC    $< (sanitized)"
	@$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT)/libtrestle.a: $(UNIT_LIB_OBJ)
	@rm -f $@ && ar rcs $@ $^
$(UNIT)/libfake.a: $(UNIT_FAKE_OBJ)
	@rm -f $@ && ar rcs $@ $^

$(UNIT_TESTS): $(UNIT)/%: $(UNIT)/tests/unit/%.o $(UNIT)/libfake.a $(UNIT)/libtrestle.a
	@$(CC) $(UNIT_SAN) -o $@ $< $(UNIT)/libfake.a $(UNIT)/libtrestle.a -lcmocka -lm

.PHONY: check-unit $(addprefix run-,$(notdir $(UNIT_TESTS)))
## check-unit      unit tests under ASan and UBSan
check-unit: $(UNIT_TESTS)
	@set -e; for t in $(UNIT_TESTS); do echo "  RUN   $$(basename $$t)"; \
	  CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 $$t; done

-include $(shell [ -d $(UNIT) ] && find $(UNIT) -name '*.d')
