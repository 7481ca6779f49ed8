# The stand-in router images, built from Debian's packages. See tools/router-image/README.md.
ROUTER_IMAGE_SRC := $(shell find tools/router-image -type f ! -name README.md ! -path '*/__pycache__/*') \
                    tools/lib/debian.sh

.PHONY: router-image router-image-amd64
## router-image    router disk image from Debian i386 packages: router.img
router-image: $(BUILD)/router.img

$(BUILD)/router.img: $(ROUTER_IMAGE_SRC) | $(DEPS_run)
	tools/router-image/build.sh $(BUILD)

## router-image-amd64  the same from amd64 packages: router-amd64.img
router-image-amd64: $(BUILD)/router-amd64.img

$(BUILD)/router-amd64.img: $(ROUTER_IMAGE_SRC) | $(DEPS_run)
	tools/router-image/build.sh $(BUILD) amd64
