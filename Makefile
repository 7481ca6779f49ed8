# Trestle. `make help` lists the targets. Everything is built below $(BUILD).
BUILD ?= build
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

CC := gcc
WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
        -Wno-unused-parameter -Wvla
HOST_CFLAGS ?= -O2 -g
COMMON_CFLAGS := -std=gnu11 $(WARN) -I. -fno-strict-aliasing -MD -MP

# What both builds share; each platform adds its own folder.
EMU_SRC := $(sort $(wildcard emu/*.c emu/cpu/*.c emu/jit/*.c emu/dev/*.c))
# A CPU without a machine, which alone is saved.
CPU_SRC := $(filter-out %/cpu_state.c,$(sort $(wildcard emu/cpu/*.c emu/jit/*.c)))
KERNEL_SRC := $(sort $(wildcard kernel/*.c kernel/chardev/*.c kernel/console/*.c kernel/net/*.c \
                kernel/net/*/*.c kernel/disk/*.c kernel/snapshot/*.c \
                kernel/debug/*.c kernel/keymap/*.c kernel/picture/*.c \
                kernel/receive/*.c kernel/screen/*.c kernel/slots/*.c \
                kernel/watch/*.c))
DRIVER_SRC := $(sort $(wildcard drivers/*/*.c))

include $(wildcard mk/*.mk)

.PHONY: all help clean distclean
## all             the hosted program and the boot medium (the default)
all: $(BUILD)/trestle iso

help:
	@echo "Trestle's make targets (BUILD=$(BUILD)):"
	@sed -n 's/^## \(.*\)/  \1/p' Makefile mk/*.mk

## help            this list
## clean           remove what was built, but fetched sources and router images
clean:
	@[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name newlib \
	  ! -name lwip ! -name zlib ! -name zydis ! -name deps ! -name 'router*' -exec rm -rf {} +
## distclean       remove everything that was built
distclean:
	@rm -rf $(BUILD)
