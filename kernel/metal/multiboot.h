/*
 * The boot information of a multiboot2 loader (Multiboot2 specification 3.6),
 * as plain data. Pure parsing: no hardware, no allocation; the input is
 * checked as if it were hostile.
 */
#ifndef KERNEL_METAL_MULTIBOOT_H
#define KERNEL_METAL_MULTIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT_MAX_RANGES 256u
#define MULTIBOOT_MAX_MODULES 32u
#define MULTIBOOT_RSDP_BYTES 36u

enum {
    MULTIBOOT_RAM = 1,          /* every other type is not ours */
    MULTIBOOT_ACPI_RECLAIM = 3,
    MULTIBOOT_ACPI_NVS = 4,
};

struct multiboot_range {
    uint64_t base, length;      /* bytes; base + length does not overflow */
    uint32_t type;
};

struct multiboot_module {
    uint64_t start, end;        /* physical, start <= end */
    const char *command_line;   /* in the information block, terminated */
};

enum multiboot_screen { MULTIBOOT_SCREEN_NONE, MULTIBOOT_SCREEN_TEXT,
                        MULTIBOOT_SCREEN_RGB };

struct multiboot_framebuffer {
    enum multiboot_screen kind;
    uint64_t base;
    uint32_t pitch, width, height;      /* bytes, pixels (text: cells) */
    uint8_t bits;                       /* per pixel: 16, 24 or 32 */
    uint8_t red_shift, red_bits, green_shift, green_bits;
    uint8_t blue_shift, blue_bits;
};

struct multiboot_info {
    const char *command_line;   /* "" when there is none */
    const char *loader;
    struct multiboot_range range[MULTIBOOT_MAX_RANGES];
    unsigned range_count;
    struct multiboot_module module[MULTIBOOT_MAX_MODULES];
    unsigned module_count;
    uint8_t rsdp[MULTIBOOT_RSDP_BYTES];
    size_t rsdp_size;           /* 0: none, 20 (ACPI 1.0) or 36 */
    struct multiboot_framebuffer screen;
    unsigned refused;           /* malformed or surplus items left out */
};

/* Bytes in the block whose first 8 bytes are at `block`; 0: not plausible. */
size_t multiboot_size(const void *block);

/*
 * Parse the `size` bytes at `block` into *out, which refers into them. False
 * when the block as a whole is malformed; single bad tags are counted only.
 */
bool multiboot_parse(const void *block, size_t size,
                     struct multiboot_info *out);

#endif
