/* The MC146818's clock registers as a time. Pure. */
#ifndef KERNEL_METAL_RTC_TIME_H
#define KERNEL_METAL_RTC_TIME_H

#include <stdint.h>

struct rtc_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t status_b;           /* bit 1: 24 hours, bit 2: binary */
};

/*
 * Seconds since 1970 UTC, taking the clock to be in UTC and the year to be
 * 1970..2069; or -1 when the registers are no date.
 */
int64_t rtc_to_unix(const struct rtc_registers *r);

#endif
