# The stand-in router image, built from Debian's i386 packages. See tools/router-image/README.md.
ROUTER_IMAGE_SRC := $(shell find tools/router-image -type f ! -name README.md ! -path '*/__pycache__/*') \
                    tools/lib/debian-i386.sh

.PHONY: router-image
## router-image    router disk image from Debian i386 packages: router.img
router-image: $(BUILD)/router.img

$(BUILD)/router.img: $(ROUTER_IMAGE_SRC) | $(DEPS_run)
	tools/router-image/build.sh $(BUILD)
