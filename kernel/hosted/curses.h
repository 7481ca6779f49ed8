/*
 * The terminal as the local screen, by ncurses. Esc is a key in front of others:
 * with a digit it chooses a console, with anything else it is Alt; Esc Esc, and
 * Esc behind which nothing comes, is Esc. I/O core.
 */
#ifndef KERNEL_HOSTED_CURSES_H
#define KERNEL_HOSTED_CURSES_H

#include <stddef.h>
#include <stdint.h>

struct canvas;
struct local;

/*
 * Take the terminal, until console_restore; `canvas` is as large as it is, also
 * when its size changes. 0, or negative errno and the reason: a terminal that
 * nothing is known of.
 */
int curses_open(struct canvas **canvas, char *why, size_t why_size);
/* Take the keys. When (platform_now_ns) to look again at the latest. */
uint64_t curses_poll(struct local *l, uint64_t now);
/* Bring what changed on the canvas to the terminal. */
void curses_show(void);

#endif
