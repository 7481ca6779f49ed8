/* The multiplexer's own: what was typed goes to whom it is for. */
#ifndef KERNEL_CONSOLE_MUX_KEYS_H
#define KERNEL_CONSOLE_MUX_KEYS_H

#include "kernel/console/mux.h"

/* A byte that came from the line. */
void mux_input_byte(struct mux *mux, uint8_t c);
/* mux.c: a byte for the machine that is shown. */
void mux_to_guest(struct mux *mux, uint8_t c);

#endif
