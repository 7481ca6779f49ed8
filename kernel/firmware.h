/* The guest's firmware, embedded from Debian's seabios package. */
#ifndef KERNEL_FIRMWARE_H
#define KERNEL_FIRMWARE_H

#include <stdint.h>

extern const uint8_t firmware_bios[], firmware_bios_end[];
extern const uint8_t firmware_vgabios[], firmware_vgabios_end[];

#endif
