/* See wall.h. */
#include "kernel/metal/wall.h"

#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/rtc_time.h"
#include "kernel/platform.h"

enum { CMOS_INDEX = 0x70, CMOS_DATA = 0x71 };
enum { RTC_SECOND = 0, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7,
       RTC_MONTH = 8, RTC_YEAR = 9, RTC_A = 10, RTC_B = 11 };
#define A_UPDATING 0x80u
#define NS 1000000000
#define TRIES 100000u

static int64_t at_start;        /* wall time when the clock read `start_ns` */
static uint64_t start_ns;

static uint8_t cmos(uint8_t reg)
{
    out8(CMOS_INDEX, reg);
    return in8(CMOS_DATA);
}

static struct rtc_registers read_rtc(void)
{
    for (unsigned i = 0; i < TRIES && (cmos(RTC_A) & A_UPDATING); i++)
        cpu_relax();
    return (struct rtc_registers){cmos(RTC_SECOND), cmos(RTC_MINUTE),
                                  cmos(RTC_HOUR), cmos(RTC_DAY),
                                  cmos(RTC_MONTH), cmos(RTC_YEAR),
                                  cmos(RTC_B)};
}

void wall_init(void)
{
    struct rtc_registers a = read_rtc(), b;

    /* Twice the same: no update came in between. */
    for (unsigned i = 0; i < 8; i++) {
        b = read_rtc();
        if (!memcmp(&a, &b, sizeof a))
            break;
        a = b;
    }
    at_start = rtc_to_unix(&a);
    start_ns = platform_now_ns();
    if (at_start < 0) {
        platform_log("the real-time clock shows no valid date");
        at_start = 0;
    }
}

int64_t platform_wall_ns(void)
{
    return at_start * NS + (int64_t)(platform_now_ns() - start_ns);
}

int64_t platform_wall_seconds(void)
{
    return platform_wall_ns() / NS;
}
