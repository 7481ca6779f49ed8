/* See calendar.h. */
#include "emu/calendar.h"

#include <stdbool.h>

/* From the year 0 on. */
static int64_t days_before_year(int64_t year)
{
    int64_t y = year - 1;

    return 366 + y * 365 + floor_div(y, 4) - floor_div(y, 100) +
           floor_div(y, 400);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_before_month(int64_t year, unsigned month)
{
    static const uint16_t before[13] = { 0, 31, 59, 90, 120, 151, 181, 212,
                                         243, 273, 304, 334, 365 };

    return before[month - 1] + (month > 2 && is_leap(year));
}

unsigned calendar_month_length(int64_t year, unsigned month)
{
    return days_before_month(year, month + 1) - days_before_month(year, month);
}

int64_t calendar_days(const struct calendar_date *d)
{
    return days_before_year(d->year) - days_before_year(1970) +
           days_before_month(d->year, d->month) + d->day - 1;
}

struct calendar_date calendar_date(int64_t days)
{
    struct calendar_date d = { .month = 12 };
    int64_t since_0 = days + days_before_year(1970);

    d.year = floor_div(since_0 * 400, 146097);
    while (days_before_year(d.year + 1) <= since_0)
        d.year++;
    while (days_before_year(d.year) > since_0)
        d.year--;
    since_0 -= days_before_year(d.year);
    while (days_before_month(d.year, d.month) > since_0)
        d.month--;
    d.day = (unsigned)(since_0 - days_before_month(d.year, d.month)) + 1;
    return d;
}

unsigned calendar_weekday(int64_t days)
{
    /* 1970-01-01 was a Thursday. */
    return (unsigned)(days - floor_div(days, 7) * 7 + 4) % 7;
}
