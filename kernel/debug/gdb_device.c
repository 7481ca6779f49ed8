/* See gdb_device.h. */
#include "kernel/debug/gdb_device.h"

#include <stddef.h>
#include <string.h>

#include "kernel/chardev_parse.h"
#include "kernel/number.h"

bool gdb_device_parse(const char *device, char host[GDB_DEVICE_TEXT],
                      unsigned *port)
{
    const char *colon = strrchr(device, ':');
    size_t n;

    if (strncmp(device, "tcp:", 4) || colon < device + 4 ||
        strlen(device) >= GDB_DEVICE_TEXT)
        return false;
    n = (size_t)(colon - device - 4);
    memcpy(host, device + 4, n);
    host[n] = '\0';
    return parse_number(colon + 1, 65535, port) && *port;
}

bool gdb_device_is_line(const char *device, struct chardev_option *out)
{
    char why[8];

    return chardev_parse(device, out, why, sizeof why) && !out->mux &&
           (out->kind == CHARDEV_TTY || out->kind == CHARDEV_PIPE ||
            out->kind == CHARDEV_UNIX);
}
