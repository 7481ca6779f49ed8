/*
 * The Gregorian calendar, also before it was in use: days since 1970-01-01,
 * which may be negative, and dates. Pure.
 */
#ifndef EMU_CALENDAR_H
#define EMU_CALENDAR_H

#include <stdint.h>

struct calendar_date {
    int64_t year;               /* 0 is 1 BC */
    unsigned month, day;        /* 1..12, 1..31 */
};

/* a / b towards minus infinity; b > 0. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* A day behind the month's last is one of the next month. */
int64_t calendar_days(const struct calendar_date *d);
struct calendar_date calendar_date(int64_t days);
/* 0: Sunday. */
unsigned calendar_weekday(int64_t days);
unsigned calendar_month_length(int64_t year, unsigned month);

#endif
