/*
 * MC146818A real-time clock with 128 bytes of CMOS RAM (70h/71h).
 */
#ifndef EMU_DEV_RTC_H
#define EMU_DEV_RTC_H

#include "emu/dev/device.h"

struct rtc;

struct rtc_setup {
    int64_t base_seconds;       /* since 1970, shown when it is made... */
    uint32_t base_ns;           /* ...and so much more, under 10^9 */
    /*
     * The host's wall clock, ns since 1970: the clock goes on by it, through
     * stops and snapshots. NULL: by virtual time.
     */
    int64_t (*wall_ns)(void *ctx);
    void *ctx;
    bool slew;                  /* periodic interrupts that were missed come */
};                              /* later */

/*
 * Map the ports. Uses TIMER_RTC_PERIODIC and TIMER_RTC_UPDATE. Reset keeps time
 * and RAM (they have a battery). Starts with a `struct device`. NULL: no memory.
 */
struct rtc *rtc_create(struct machine *m, struct irq_line irq8,
                       const struct rtc_setup *setup);
void rtc_destroy(struct rtc *rtc);

/* Set CMOS byte `index` (0Eh..7Fh except 32h; others are the clock's). */
void rtc_nvram_set(struct rtc *rtc, uint8_t index, uint8_t value);

#endif
