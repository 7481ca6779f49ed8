/* See options_parser.h. */
#include "kernel/options_parser.h"

#include <stdio.h>

bool options_fail(char *why, size_t size, const char *what, const char *value)
{
    snprintf(why, size, value ? "%s '%.*s'" : "%s", what, OPTIONS_SHOWN, value);
    return false;
}

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
