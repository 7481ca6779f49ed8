/* What curses.c and its keys have of each other. */
#ifndef KERNEL_HOSTED_CURSES_KEYS_H
#define KERNEL_HOSTED_CURSES_KEYS_H

/* Learn the terminal's keys. */
void curses_keys_open(void);
/* The terminal has another size now. */
void curses_resized(void);

#endif
