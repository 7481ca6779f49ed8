/*
 * A PC's keyboard controller with a keyboard and a mouse, as registers: well
 * behaved unless a test says otherwise. Time passes only by bus.delay_us and
 * the test's own `now`.
 */
#ifndef TESTS_UNIT_FAKE_KBC_H
#define TESTS_UNIT_FAKE_KBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"

#define FAKE_KBC_QUEUE 4096u

struct fake_ps2 {
    bool is_there;
    bool is_mute;               /* hears nothing, says nothing */
    unsigned resends;           /* so many bytes are not understood first */
    bool has_wheel;             /* a mouse */
    bool is_simple;             /* knows no command but reset and enable */
    uint8_t awaits;             /* a command's parameter */
    uint8_t rates[3];           /* the last three, newest last */
    uint8_t id;
    uint8_t leds, rate, set;
    bool scans;
    unsigned resets;
};

struct fake_kbc {
    bool is_absent;             /* all registers read ones */
    bool never_ready;           /* its input stays full */
    bool fails_test, has_no_aux, cannot_translate;
    bool always_full;           /* its output, with 1Ch */
    uint8_t ccb;
    uint8_t command;            /* awaits its byte, or 0 */
    struct fake_ps2 kbd, mouse;
    struct { uint8_t byte, status; } out[FAKE_KBC_QUEUE];
    unsigned out_head, out_count;
    unsigned interrupts;        /* edges: bytes that came to the front */
    uint64_t now;
    struct bus bus;
};

/* Both devices are there; the mouse has a wheel. */
void fake_kbc_init(struct fake_kbc *f);
/* What a device says, as it stands in port 60h. */
void fake_kbc_says(struct fake_kbc *f, bool is_aux, const uint8_t *bytes,
                   size_t len);
/* One byte with these bits of the status besides. */
void fake_kbc_says_bad(struct fake_kbc *f, bool is_aux, uint8_t byte,
                       uint8_t status);

#endif
