/* See fake_hid.h. */
#include "tests/unit/fake_hid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOT_SET 0xff

struct fake_hid fake_hid;

/* HID 1.11, appendix E.6 to E.8, without its own descriptor's content. */
static const uint8_t head[9] = { 9, 2, 0, 0, 0, 1, 0, 0xa0, 50 };
static const uint8_t part[25] = {
    9, 4, 0, 0, 1, 3, 1, 1, 0,
    9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0,
    7, 5, 0x81, 3, 8, 0, 7,
};

void fake_hid_make(unsigned parts)
{
    uint8_t *p = fake_usb.config;

    memset(&fake_hid, 0, sizeof fake_hid);
    fake_hid.parts = parts;
    memcpy(p, head, sizeof head);
    p[2] = (uint8_t)(sizeof head + parts * sizeof part);
    p[4] = (uint8_t)parts;
    for (unsigned i = 0; i < parts; i++) {
        uint8_t *at = p + sizeof head + i * sizeof part;

        memcpy(at, part, sizeof part);
        at[2] = (uint8_t)i;
        at[7] = i == 1 ? 2 : 1;
        at[20] = (uint8_t)(0x81 + i);
    }
    fake_hid_reset();
}

void fake_hid_reset(void)
{
    for (unsigned i = 0; i < FAKE_HID_PARTS; i++) {
        memset(&fake_hid.part[i], 0, sizeof fake_hid.part[i]);
        fake_hid.part[i].protocol = fake_hid.part[i].idle =
            fake_hid.part[i].leds = NOT_SET;
    }
}

void fake_hid_say(unsigned i, const void *report, size_t len)
{
    unsigned n = fake_hid.part[i].count++;

    assert_true(n < FAKE_HID_REPORTS && len <= 64);
    memcpy(fake_hid.part[i].report[n].data, report, len);
    fake_hid.part[i].report[n].len = (uint32_t)len;
}

enum fake_usb_result fake_hid_request(const uint8_t *s, const uint8_t *data)
{
    unsigned i = s[4] & 0xf;

    if (s[0] == 0x02 && s[1] == 0x01) {
        assert_true(i >= 1 && i <= fake_hid.parts && (s[4] & 0x80));
        fake_hid.part[i - 1].halted = false;
        return FAKE_OK;
    }
    assert_int_equal(s[0], 0x21);
    assert_true(i < fake_hid.parts);
    switch (s[1]) {
    case 0x0b:
        if (fake_hid.refuses_protocol)
            return FAKE_STALL;
        fake_hid.part[i].protocol = s[2];
        return FAKE_OK;
    case 0x0a:
        if (fake_hid.refuses_idle)
            return FAKE_STALL;
        fake_hid.part[i].idle = s[3];
        return FAKE_OK;
    case 0x09:
        assert_int_equal(s[3], 2);
        assert_int_equal(s[6], 1);
        fake_hid.asked_leds++;
        if (fake_hid.leds == FAKE_OK)
            fake_hid.part[i].leds = data[0];
        return fake_hid.leds;
    }
    fail_msg("HID request %#x", s[1]);
    return FAKE_STALL;
}

enum fake_usb_result fake_hid_interrupt(uint8_t endpoint, uint8_t *data,
                                        uint32_t len, uint32_t *actual)
{
    unsigned i = (endpoint & 0xf) - 1;
    uint32_t bytes;

    assert_true((endpoint & 0x80) && i < fake_hid.parts);
    if (fake_hid.part[i].halted)
        return FAKE_STALL;
    if (!fake_hid.part[i].count)
        return FAKE_NAK;
    bytes = fake_hid.part[i].report[0].len;
    if (bytes <= len)
        memcpy(data, fake_hid.part[i].report[0].data, bytes);
    memmove(fake_hid.part[i].report, fake_hid.part[i].report + 1,
            --fake_hid.part[i].count * sizeof *fake_hid.part[i].report);
    if (bytes > len)
        return FAKE_BABBLE;
    *actual = bytes;
    return FAKE_OK;
}
