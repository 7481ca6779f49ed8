/* The guest's time on the command line: -rtc, and what -global can set. */
#ifndef KERNEL_OPTIONS_TIME_H
#define KERNEL_OPTIONS_TIME_H

#include "kernel/options.h"

/* Each: false, and *what says what to use instead. */
/* "base=utc,clock=host,driftfix=none", in any order, each at most once. */
bool options_parse_rtc(struct options *o, const char *value,
                       const char **what);
/* "DRIVER.PROPERTY=VALUE", as qemu has it for what ticks. */
bool options_parse_global(struct options *o, const char *value,
                          const char **what);

#define OPTIONS_RTC_HELP \
    "-rtc base=WHAT[,clock=host|vm][,driftfix=none|slew] the guest's clock at\n" \
    "                power-on: utc localtime or a date as 2006-06-17T16:01:21;\n" \
    "                it goes on by the host's or by virtual time; slew: gives\n" \
    "                its missed interrupts again"
#define OPTIONS_GLOBAL_HELP \
    "-global kvm-pit.lost_tick_policy=delay|discard ticks that the guest missed\n" \
    "                come later (delay) or are lost; and\n" \
    "                mc146818rtc.lost_tick_policy=discard|slew, as driftfix="

#endif
