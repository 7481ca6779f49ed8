/* A file by XMODEM or YMODEM over the administrator's line, as a receiver. */
#ifndef KERNEL_CONSOLE_SERIAL_RECEIVER_H
#define KERNEL_CONSOLE_SERIAL_RECEIVER_H

#include <stdbool.h>

#include "kernel/receive/receiver.h"

struct mux;

/*
 * The line of `mux` is its own until it is closed. I/O core. 0, -ENOMEM, or
 * -EBUSY: another one has it.
 */
int serial_receiver_open(struct mux *mux, bool is_ymodem,
                         struct receiver **out);

#endif
