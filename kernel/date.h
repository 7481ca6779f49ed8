/* Dates of the Gregorian calendar as seconds. Pure. */
#ifndef KERNEL_DATE_H
#define KERNEL_DATE_H

#include <stdint.h>

struct date {
    int year, month, day;       /* 1..9999, 1..12, 1..31 */
    int hour, minute, second;   /* 0..23, 0..59, 0..60 */
};

/* Seconds since 1970 UTC; -1 when the fields are no date from then on. */
int64_t date_to_unix(const struct date *d);

/* "2006-06-17T16:01:21" or "2006-06-17" (midnight); -1: neither. */
int64_t date_parse(const char *text);

/* What the clock on the wall shows here (TZ) at `utc`, in the same count. */
int64_t date_local(int64_t utc);

#endif
