/*
 * How the terminal is as it was before curses, whatever ends the program: curses'
 * own endwin is for no signal handler.
 */
#ifndef KERNEL_HOSTED_CURSES_ENDING_H
#define KERNEL_HOSTED_CURSES_ENDING_H

/* Before and after curses has opened the terminal. */
void curses_ending_begin(void);
void curses_ending_ready(void);
/* Any number of times, also from signals. */
void curses_end(void);

#endif
