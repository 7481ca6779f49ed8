/* See date.h. */
#include "kernel/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "emu/calendar.h"

int64_t date_to_unix(const struct date *d)
{
    struct calendar_date day;

    if (d->year < 1970 || d->year > 9999 || d->month < 1 || d->month > 12 ||
        d->hour < 0 || d->hour > 23 || d->minute < 0 || d->minute > 59 ||
        d->second < 0 || d->second > 60)
        return -1;
    day = (struct calendar_date){ d->year, (unsigned)d->month,
                                  (unsigned)d->day };
    if (d->day < 1 || day.day > calendar_month_length(day.year, day.month))
        return -1;
    return ((calendar_days(&day) * 24 + d->hour) * 60 + d->minute) * 60 +
           d->second;
}

int64_t date_parse(const char *text)
{
    struct date d = { 0 };
    size_t length = strlen(text);
    int end = -1;

    /* Only digits where digits belong: sscanf would take signs and blanks. */
    if (strspn(text, "0123456789-T:") != length)
        return -1;
    if (length == 19)
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &d.year, &d.month, &d.day,
               &d.hour, &d.minute, &d.second, &end);
    else if (length == 10)
        sscanf(text, "%4d-%2d-%2d%n", &d.year, &d.month, &d.day, &end);
    return end == (int)length ? date_to_unix(&d) : -1;
}

int64_t date_local(int64_t utc)
{
    time_t t = (time_t)utc;
    struct tm tm;
    int64_t local;

    if (!localtime_r(&t, &tm))
        return utc;
    local = date_to_unix(&(struct date){
        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
        tm.tm_sec
    });
    return local < 0 ? utc : local;
}
