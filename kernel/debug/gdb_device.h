/* Where gdb is listened for, in words: qemu's -gdb and gdbserver. */
#ifndef KERNEL_DEBUG_GDB_DEVICE_H
#define KERNEL_DEBUG_GDB_DEVICE_H

#include <stdbool.h>

#define GDB_DEVICE_DEFAULT "tcp::1234"          /* -s */
#define GDB_DEVICE_TEXT 64u

/* The parts of "tcp:[HOST]:PORT"; HOST may be "". False: it is not that. */
bool gdb_device_parse(const char *device, char host[GDB_DEVICE_TEXT],
                      unsigned *port);

#endif
