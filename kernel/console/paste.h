/*
 * Text that is typed or pasted into the monitor for a command: lines up to one
 * with a single dot. Ctrl-C ends it without a text.
 */
#ifndef KERNEL_CONSOLE_PASTE_H
#define KERNEL_CONSOLE_PASTE_H

#include <stddef.h>
#include <stdint.h>

struct monitor;

/*
 * From now on `mon` takes lines, up to `max` bytes of them; then done() gets
 * them, each with its \n, malloc's and terminated behind `len`; NULL: there were
 * more, or it was ended, as the line says. `max` bytes are taken at once; without
 * that memory nothing is begun, which the line says, too.
 */
void paste_start(struct monitor *mon, size_t max,
                 void (*done)(struct monitor *mon, char *text, size_t len));
/* A byte of it. */
void paste_input(struct monitor *mon, uint8_t c);

#endif
