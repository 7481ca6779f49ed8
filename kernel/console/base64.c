/* See base64.h. */
#include "kernel/console/base64.h"

#include <stdbool.h>
#include <stdio.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/platform.h"

#define LINE_BYTES 57u          /* 76 characters */

static size_t base64(const uint8_t *in, size_t len, char *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = in[i] << 16 | (i + 1 < len ? in[i + 1] << 8 : 0) |
                     (i + 2 < len ? in[i + 2] : 0);

        out[n++] = digit[v >> 18];
        out[n++] = digit[v >> 12 & 63];
        out[n++] = i + 1 < len ? digit[v >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? digit[v & 63] : '=';
    }
    return n;
}

static bool next_line(struct monitor *mon)
{
    struct monitor_output *o = &mon->output;
    size_t left = o->size - o->at, n = left < LINE_BYTES ? left : LINE_BYTES;
    char line[LINE_BYTES / 3 * 4 + 2];
    size_t len = base64(o->data + o->at, n, line);

    line[len] = '\n';
    line[len + 1] = '\0';
    mux_print(mon->mux, line);
    o->at += n;
    if (o->at < o->size)
        return true;
    mux_print(mon->mux, "====\n");
    return false;
}

static void end_print(struct monitor *mon)
{
    platform_pages_free(mon->output.data, mon->output.size);
}

void monitor_print_base64(struct monitor *mon, const char *name, uint8_t *data,
                          size_t size)
{
    char line[128];

    snprintf(line, sizeof line, "begin-base64 644 %s\n", name);
    mux_print(mon->mux, line);
    mon->output = (struct monitor_output){ next_line, end_print, data, size,
                                           0 };
}
