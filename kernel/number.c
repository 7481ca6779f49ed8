/* See number.h. */
#include "kernel/number.h"

#include <ctype.h>
#include <stdlib.h>

bool parse_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || v > max)
        return false;
    *out = (unsigned)v;
    return true;
}
