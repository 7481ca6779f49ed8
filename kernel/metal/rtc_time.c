/* See rtc_time.h. MC146818A data sheet, register B and table 3. */
#include "kernel/metal/rtc_time.h"

#include <stdbool.h>

#define B_24_HOURS 2u
#define B_BINARY 4u
#define HOUR_PM 0x80u

static unsigned plain(uint8_t v, bool binary)
{
    return binary ? v : (v >> 4) * 10u + (v & 15);
}

static int64_t days_before_year(unsigned year)
{
    unsigned y = year - 1;

    return (int64_t)y * 365 + y / 4 - y / 100 + y / 400;
}

int64_t rtc_to_unix(const struct rtc_registers *r)
{
    static const uint16_t days_before[12] = {0,   31,  59,  90,  120, 151,
                                             181, 212, 243, 273, 304, 334};
    bool binary = r->status_b & B_BINARY, leap;
    unsigned year = plain(r->year, binary), month = plain(r->month, binary);
    unsigned day = plain(r->day, binary), hour, days;
    unsigned minute = plain(r->minute, binary);
    unsigned second = plain(r->second, binary);
    int64_t all;

    if (r->status_b & B_24_HOURS) {
        hour = plain(r->hour, binary);
    } else {
        hour = plain(r->hour & (uint8_t)~HOUR_PM, binary) % 12;
        hour += r->hour & HOUR_PM ? 12 : 0;
    }
    if (year > 99 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour > 23 || minute > 59 || second > 60)
        return -1;
    year += year < 70 ? 2000 : 1900;
    leap = year % 4 == 0;       /* holds from 1901 to 2099 */
    days = days_before[month - 1] + (leap && month > 2) + day - 1;
    all = days_before_year(year) - days_before_year(1970) + days;
    return ((all * 24 + hour) * 60 + minute) * 60 + second;
}
