/* See rtc_time.h. MC146818A data sheet, register B and table 3. */
#include "kernel/metal/rtc_time.h"

#include <stdbool.h>

#include "kernel/date.h"

#define B_24_HOURS 2u
#define B_BINARY 4u
#define HOUR_PM 0x80u

static unsigned plain(uint8_t v, bool binary)
{
    return binary ? v : (v >> 4) * 10u + (v & 15);
}

int64_t rtc_to_unix(const struct rtc_registers *r)
{
    bool binary = r->status_b & B_BINARY;
    unsigned year = plain(r->year, binary), month = plain(r->month, binary);
    unsigned day = plain(r->day, binary), hour;
    unsigned minute = plain(r->minute, binary);
    unsigned second = plain(r->second, binary);

    if (r->status_b & B_24_HOURS) {
        hour = plain(r->hour, binary);
    } else {
        hour = plain(r->hour & (uint8_t)~HOUR_PM, binary) % 12;
        hour += r->hour & HOUR_PM ? 12 : 0;
    }
    if (year > 99)
        return -1;
    return date_to_unix(&(struct date){
        (int)year + (year < 70 ? 2000 : 1900), (int)month, (int)day, (int)hour,
        (int)minute, (int)second
    });
}
