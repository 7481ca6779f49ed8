/* The host's log as text on the screen: VGA text or linear framebuffer. */
#ifndef KERNEL_METAL_SCREEN_H
#define KERNEL_METAL_SCREEN_H

#include <stddef.h>

#include "kernel/metal/multiboot.h"

/* Take what the loader left; needs the final page tables. May find nothing. */
void screen_init(const struct multiboot_framebuffer *fb);
/* One line at the bottom, wrapped; the rest moves up. From a panic. */
void screen_panic_line(const char *line, size_t len);
/*
 * How many rows may follow before the panic's first leaves the screen, its last
 * sentence not counted; and how many a line of `len` takes.
 */
unsigned screen_panic_room(void);
unsigned screen_panic_rows(size_t len);

#endif
