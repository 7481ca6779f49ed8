/* See usb_hid.h. Section numbers are those of HID 1.11. */
#include <string.h>

#include "drivers/usb/usb_hid.h"

#define LAST_ERROR 3u           /* ErrorRollOver, POSTFail, ErrorUndefined */
#define FIRST_MODIFIER 0xe0u

/*
 * HID Usage Tables 1.12, 10: Keyboard/Keypad page, as scan codes of set 1 (Key
 * Support, Keyboard Scan Codes, and Windows: appendix C); 80h: behind E0h.
 */
static const input_key keys[0xe8] = {
    [0x04] = 0x1e, 0x30, 0x2e, 0x20, 0x12, 0x21, 0x22, 0x23,    /* A to Z */
             0x17, 0x24, 0x25, 0x26, 0x32, 0x31, 0x18, 0x19,
             0x10, 0x13, 0x1f, 0x14, 0x16, 0x2f, 0x11, 0x2d,
             0x15, 0x2c,
    [0x1e] = 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    [0x28] = 0x1c, 0x01, 0x0e, 0x0f, 0x39,      /* Enter, Esc, ... space */
    [0x2d] = 0x0c, 0x0d, 0x1a, 0x1b, 0x2b, 0x2b, 0x27, 0x28, 0x29, 0x33,
             0x34, 0x35,
    [0x39] = 0x3a,                              /* Caps Lock, F1 to F12 */
    [0x3a] = 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44,
             0x57, 0x58,
    [0x46] = 0xb7, 0x46, INPUT_KEY_PAUSE,       /* Print, Scroll Lock */
    [0x49] = 0xd2, 0xc7, 0xc9, 0xd3, 0xcf, 0xd1,        /* Insert, Home, ... */
    [0x4f] = 0xcd, 0xcb, 0xd0, 0xc8,            /* right, left, down, up */
    [0x53] = 0x45, 0xb5, 0x37, 0x4a, 0x4e, 0x9c,        /* keypad */
    [0x59] = 0x4f, 0x50, 0x51, 0x4b, 0x4c, 0x4d, 0x47, 0x48, 0x49, 0x52,
             0x53,
    [0x64] = 0x56, 0xdd, 0xde, 0x59,            /* non-US, menu, power, = */
    [0x68] = 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
             0x6e, 0x76,                        /* F13 to F24 */
    [0x85] = 0x7e,                              /* keypad comma */
    [0x87] = 0x73, 0x70, 0x7d, 0x79, 0x7b, 0x5c,        /* International */
    [0x92] = 0x78, 0x77, 0x76,                  /* Lang3 and on */
    [0xe0] = 0x1d, 0x2a, 0x38, 0xdb, 0x9d, 0x36, 0xb8, 0xdc,
};

input_key hid_key(uint8_t usage)
{
    return usage < sizeof keys ? keys[usage] : 0;
}

uint8_t hid_leds(unsigned leds)
{
    return (leds & INPUT_NUM_LOCK ? 1 : 0) | (leds & INPUT_CAPS_LOCK ? 2 : 0) |
           (leds & INPUT_SCROLL_LOCK ? 4 : 0);
}

static bool has(const struct hid_keys *keys, uint8_t usage)
{
    return memchr(keys->usage, usage, sizeof keys->usage);
}

/* Keys of `from` that `to` has not. */
static void tell(struct input_keyboard *k, const struct hid_keys *from,
                 const struct hid_keys *to, bool is_down)
{
    for (unsigned i = 0; i < HID_KEYBOARD_KEYS; i++)
        if (!has(to, from->usage[i]))
            input_key_event(k, hid_key(from->usage[i]), is_down);
}

static void tell_modifiers(struct input_keyboard *k, uint8_t changed,
                           uint8_t now)
{
    for (unsigned i = 0; i < 8; i++)
        if (changed & 1u << i)
            input_key_event(k, hid_key((uint8_t)(FIRST_MODIFIER + i)),
                            now & 1u << i);
}

bool hid_keyboard_report(struct hid_keys *keys, struct input_keyboard *k,
                         const uint8_t *report, size_t len)
{
    struct hid_keys next;

    if (len < HID_KEYBOARD_BYTES)
        return false;
    next.modifiers = report[0];
    memcpy(next.usage, report + 2, HID_KEYBOARD_KEYS);
    /* Too many are down to tell which; of modifiers it says so still. */
    for (unsigned i = 0; i < HID_KEYBOARD_KEYS; i++)
        if (next.usage[i] && next.usage[i] <= LAST_ERROR) {
            memcpy(next.usage, keys->usage, HID_KEYBOARD_KEYS);
            break;
        }
    tell(k, keys, &next, false);
    tell_modifiers(k, keys->modifiers ^ next.modifiers, next.modifiers);
    tell(k, &next, keys, true);
    *keys = next;
    return true;
}

bool hid_mouse_report(struct input_mouse *m, const uint8_t *report,
                      size_t len)
{
    int8_t wheel = len > HID_MOUSE_BYTES ? (int8_t)report[3] : 0;

    if (len < HID_MOUSE_BYTES)
        return false;
    /* Here down is more, and so is the wheel away from the user. */
    input_mouse_event(m, (int8_t)report[1], -(int8_t)report[2], -wheel,
                      report[0]);
    return true;
}
