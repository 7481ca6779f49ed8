/*
 * A guest's VGA on the local screen: its picture on a framebuffer, its text in
 * VGA's text mode, where a graphics mode is told of and not shown.
 */
#ifndef KERNEL_SCREEN_GUEST_SCREEN_H
#define KERNEL_SCREEN_GUEST_SCREEN_H

#include <stdbool.h>

#include "kernel/screen/canvas.h"

struct guest;
struct guest_screen;

/* NULL: no memory. `guest` must outlive it. */
struct guest_screen *guest_screen_create(struct guest *guest);
void guest_screen_destroy(struct guest_screen *s);

/* See struct console_source; `ctx` is a struct guest_screen. I/O core. */
void guest_screen_draw(void *ctx, struct canvas *canvas, bool all);
/* Likewise: as they were when it was drawn last. */
unsigned guest_screen_leds(void *ctx);

#endif
