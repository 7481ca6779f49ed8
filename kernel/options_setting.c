/* See options_setting.h. */
#include "kernel/options_setting.h"

const char *options_next_setting(const char *at, char out[OPTIONS_TEXT])
{
    size_t n = 0;

    for (; *at && n < OPTIONS_TEXT - 1; at++) {
        if (*at == ',' && *++at != ',') {
            out[n] = '\0';
            return at;
        }
        out[n++] = *at;
    }
    out[n] = '\0';
    return NULL;
}
