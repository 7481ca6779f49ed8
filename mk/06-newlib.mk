# newlib, the appliance's C library, from Debian's newlib-source: built once,
# out of tree, and again when its version or its flags change.
NEWLIB := $(BUILD)/newlib
NEWLIB_TAR = $(lastword $(sort $(wildcard /usr/src/newlib/newlib-*.tar.xz)))
NEWLIB_INC := $(NEWLIB)/inst/x86_64-elf/include
NEWLIB_LIB := $(NEWLIB)/inst/x86_64-elf/lib
NEWLIB_STAMP := $(NEWLIB)/stamp
NEWLIB_JOBS ?= $(shell nproc)

# The code model and the like, shared with the appliance's own objects.
METAL_ABI := -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
             -fno-stack-protector -fcf-protection=none -fno-omit-frame-pointer
# Asked once, and not before a recipe needs it: gcc may be installed by then.
GCC_INC = $(eval GCC_INC := $(shell $(CC) -print-file-name=include))$(GCC_INC)
NEWLIB_CFLAGS = -O2 -ffreestanding $(METAL_ABI) -nostdinc -isystem $(GCC_INC) -U__linux__
NEWLIB_KEY = $(notdir $(NEWLIB_TAR)) $(NEWLIB_CFLAGS)

# Rewritten, and so newer than the stamp, only when the key changes.
$(NEWLIB)/key: FORCE | $(DEPS_build)
	@mkdir -p $(@D)
	@echo '$(NEWLIB_KEY)' | cmp -s - $@ || echo '$(NEWLIB_KEY)' > $@

$(NEWLIB_STAMP): $(NEWLIB)/key
	@[ -n "$(NEWLIB_TAR)" ] || { \
	  echo "newlib's source is missing: apt-get install newlib-source" >&2; \
	  exit 1; }
	@rm -rf $(NEWLIB)/src $(NEWLIB)/obj $(NEWLIB)/inst
	@mkdir -p $(NEWLIB)/src $(NEWLIB)/obj
	@echo "  NEWLIB unpack $(notdir $(NEWLIB_TAR))"
	@tar -xf $(NEWLIB_TAR) -C $(NEWLIB)/src --strip-components=1
	@echo "  NEWLIB configure (log: $(NEWLIB)/log)"
	@cd $(NEWLIB)/obj && ../src/configure --target=x86_64-elf \
	  --prefix=$(abspath $(NEWLIB)/inst) --disable-multilib \
	  --disable-libgloss --disable-newlib-supplied-syscalls \
	  --enable-newlib-retargetable-locking --disable-nls \
	  CC_FOR_TARGET=$(CC) AR_FOR_TARGET=ar RANLIB_FOR_TARGET=ranlib \
	  AS_FOR_TARGET=as LD_FOR_TARGET=ld \
	  CFLAGS_FOR_TARGET='$(NEWLIB_CFLAGS)' > ../log 2>&1 || { \
	  tail -20 ../log; exit 1; }
	@echo "  NEWLIB compile (about a minute)"
	@$(MAKE) -C $(NEWLIB)/obj -j$(NEWLIB_JOBS) MAKEFLAGS= all-target-newlib \
	  MAKEINFO=true >> $(NEWLIB)/log 2>&1 || { tail -20 $(NEWLIB)/log; exit 1; }
	@$(MAKE) -C $(NEWLIB)/obj MAKEFLAGS= install-target-newlib \
	  MAKEINFO=true >> $(NEWLIB)/log 2>&1 || { tail -20 $(NEWLIB)/log; exit 1; }
	@rm -rf $(NEWLIB)/src $(NEWLIB)/obj
	@touch $@
