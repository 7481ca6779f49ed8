/*
 * MC146818A real-time clock with 128 bytes of CMOS RAM (70h/71h).
 */
#ifndef EMU_DEV_RTC_H
#define EMU_DEV_RTC_H

#include "emu/dev/device.h"

struct rtc;

/*
 * Map the ports; the clock shows `base_utc_seconds` (since 1970) at virtual
 * time 0. Uses TIMER_RTC_PERIODIC and TIMER_RTC_UPDATE. Reset keeps time and
 * RAM (they have a battery). Starts with a `struct device`. NULL: no memory.
 */
struct rtc *rtc_create(struct machine *m, struct irq_line irq8,
                       int64_t base_utc_seconds);
void rtc_destroy(struct rtc *rtc);

/* Set CMOS byte `index` (0Eh..7Fh except 32h; others are the clock's). */
void rtc_nvram_set(struct rtc *rtc, uint8_t index, uint8_t value);

#endif
