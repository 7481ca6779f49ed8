/* Where gdb is listened for, in words: qemu's -gdb and gdbserver. */
#ifndef KERNEL_DEBUG_GDB_DEVICE_H
#define KERNEL_DEBUG_GDB_DEVICE_H

#include <stdbool.h>

#include "kernel/chardev_option.h"

#define GDB_DEVICE_DEFAULT "tcp::1234"          /* -s */
#define GDB_DEVICE_TEXT 64u

/* The parts of "tcp:[HOST]:PORT"; HOST may be "". False: it is not that. */
bool gdb_device_parse(const char *device, char host[GDB_DEVICE_TEXT],
                      unsigned *port);

/*
 * Another device of qemu's where gdb may be: a serial line, FIFOs or a UNIX
 * socket. False: it is none of them.
 */
bool gdb_device_is_line(const char *device, struct chardev_option *out);

#endif
