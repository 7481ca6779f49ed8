/* trestle.conf: any bytes. */
// covers: kernel/config.c
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config c;
    char *text = malloc(size + 1), why[64] = "", value[32];

    if (config_find((const char *)data, size, "uart", value, sizeof value) &&
        strlen(value) >= sizeof value)
        abort();
    memcpy(text, data, size);
    memset(&c, 0, sizeof c);
    options_defaults(&c.common);
    if (config_parse(&c, "fuzz", text, size, why, sizeof why)) {
        if (!c.count || c.count > OPTIONS_MACHINES)
            abort();
        for (unsigned i = 0; i < c.count; i++)
            if (!*c.machine[i].name ||
                strlen(c.machine[i].name) > OPTIONS_NAME_MAX)
                abort();
    } else if (!why[0]) {
        abort();                /* an error always says something */
    }
    free(text);
    return 0;
}
