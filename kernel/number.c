/* See number.h. */
#include "kernel/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool parse_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || v > max)
        return false;
    *out = (unsigned)v;
    return true;
}

bool parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "BKMGT";
    char *end;
    const char *unit = strchr(units, 'M');
    unsigned long long v;
    unsigned shift;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (*end) {
        unit = strchr(units, toupper((unsigned char)*end));
        end++;
    }
    shift = unit ? (unsigned)(unit - units) * 10 : 0;
    if (!isdigit((unsigned char)*text) || !unit || *end || errno ||
        v > UINT64_C(1) << 63 >> shift)
        return false;
    *out = (uint64_t)v << shift;
    return true;
}
