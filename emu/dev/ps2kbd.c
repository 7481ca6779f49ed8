/* The PS/2 keyboard: commands and scan code sets 1 to 3. See ps2.h. */
#include <string.h>

#include "emu/dev/ps2.h"
#include "emu/state.h"

enum command {
    CMD_SET_LEDS = 0xed,
    CMD_ECHO = 0xee,
    CMD_SCAN_CODE_SET = 0xf0,
    CMD_READ_ID = 0xf2,
    CMD_TYPEMATIC = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_ALL_TYPEMATIC = 0xf7,
    CMD_ALL_MAKE_BREAK = 0xf8,
    CMD_ALL_MAKE = 0xf9,
    CMD_ALL_EVERYTHING = 0xfa,
    CMD_KEY_TYPEMATIC = 0xfb,
    CMD_KEY_MAKE_BREAK = 0xfc,
    CMD_KEY_MAKE = 0xfd,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,
};

#define RELEASE 0x80u           /* in set 1 */
#define BREAK_PREFIX 0xf0u      /* in sets 2 and 3 */
#define LONGEST_SEQUENCE 3u

/* Set 2 to set 1, as the controller's ROM has it. */
static const uint8_t set1_of_set2[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58,
    0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a,
    0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c,
    0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e,
    0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60,
    0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e,
    0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b,
    0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
    0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

/* Set 1 to set 3, keys without a prefix; 0: no such key. */
static const uint8_t set3_plain[0x60] = {
    0x00, 0x08, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36,
    0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43,
    0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x11, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c,
    0x52, 0x0e, 0x12, 0x5c, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7e,
    0x19, 0x29, 0x14, 0x07, 0x0f, 0x17, 0x1f, 0x27,
    0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x76, 0x5f, 0x6c,
    0x75, 0x7d, 0x84, 0x6b, 0x73, 0x74, 0x7c, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x57, 0x00, 0x13, 0x56,
    0x5e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* Set 1 to set 3, keys with an E0h prefix. */
static const struct {
    uint8_t set1, set3;
} set3_extended[] = {
    { 0x1c, 0x79 }, { 0x1d, 0x58 }, { 0x35, 0x77 }, { 0x37, 0x57 },
    { 0x38, 0x39 }, { 0x46, 0x62 }, { 0x47, 0x6e }, { 0x48, 0x63 },
    { 0x49, 0x6f }, { 0x4b, 0x61 }, { 0x4d, 0x6a }, { 0x4f, 0x65 },
    { 0x50, 0x60 }, { 0x51, 0x6d }, { 0x52, 0x67 }, { 0x53, 0x64 },
    { 0x5b, 0x8b }, { 0x5c, 0x8c }, { 0x5d, 0x8d },
};

/* Set 3 keys that send break codes by default: shifts, controls, Alt, Caps. */
static const uint8_t set3_modifiers[] = { 0x11, 0x12, 0x14, 0x19, 0x59 };

#define PAUSE_SET3 0x62u
#define PAUSE_LAST_SET1 0x45u   /* E1 1D 45 */

uint8_t ps2_set2_to_set1(uint8_t byte)
{
    if (byte < 0x80)
        return set1_of_set2[byte];
    if (byte == 0x83)           /* F7 */
        return 0x41;
    return byte == 0x84 ? 0x54 : byte;  /* SysRq; the rest passes as it is */
}

static uint8_t set1_to_set2(uint8_t code)
{
    if (code == 0x41)
        return 0x83;
    if (code == 0x54)
        return 0x84;
    for (unsigned i = 1; i < sizeof set1_of_set2; i++)
        if (set1_of_set2[i] == code)
            return (uint8_t)i;
    return 0;
}

static uint8_t set1_to_set3(uint8_t code, bool extended)
{
    if (!extended)
        return code < sizeof set3_plain ? set3_plain[code] : 0;
    for (unsigned i = 0; i < sizeof set3_extended / sizeof set3_extended[0];
         i++)
        if (set3_extended[i].set1 == code)
            return set3_extended[i].set3;
    return 0;
}

/* Set 3 has no prefixes: a key's bytes gather into one code. */
static void put_set3(struct ps2_kbd *k, uint8_t set1)
{
    uint8_t code = set1 & ~RELEASE, prefix = k->prefix;
    bool release = set1 & RELEASE;

    if (set1 == 0xe0 || set1 == 0xe1) {
        k->prefix = set1;
        return;
    }
    if (prefix == 0xe1) {
        if (code != PAUSE_LAST_SET1)
            return;
        code = PAUSE_SET3;
    } else {
        code = set1_to_set3(code, prefix == 0xe0);
    }
    k->prefix = 0;
    if (!code || (release && !(k->breaks[code / 8] & 1u << code % 8)))
        return;
    if (release)
        ps2_put(&k->codes, BREAK_PREFIX);
    ps2_put(&k->codes, code);
}

bool ps2_kbd_key(struct ps2_kbd *k, uint8_t set1)
{
    if (!k->scanning)
        return true;
    if (ps2_room(&k->codes) < LONGEST_SEQUENCE)
        return false;
    if (k->set == 3) {
        put_set3(k, set1);
    } else if (k->set == 1 || set1 == 0xe0 || set1 == 0xe1) {
        ps2_put(&k->codes, set1);
    } else {
        if (set1 & RELEASE)
            ps2_put(&k->codes, BREAK_PREFIX);
        ps2_put(&k->codes, set1_to_set2(set1 & ~RELEASE));
    }
    return true;
}

static void flush_codes(struct ps2_kbd *k)
{
    k->codes.count = 0;
    k->prefix = 0;
}

static void all_breaks(struct ps2_kbd *k, bool on)
{
    memset(k->breaks, on ? 0xff : 0, sizeof k->breaks);
}

static void key_breaks(struct ps2_kbd *k, uint8_t key, bool on)
{
    uint8_t bit = 1u << key % 8;

    k->breaks[key / 8] = on ? k->breaks[key / 8] | bit
                            : k->breaks[key / 8] & ~bit;
}

static void set_defaults(struct ps2_kbd *k)
{
    k->set = 2;
    flush_codes(k);
    all_breaks(k, false);
    for (unsigned i = 0; i < sizeof set3_modifiers; i++)
        key_breaks(k, set3_modifiers[i], true);
}

void ps2_kbd_reset(struct ps2_kbd *k)
{
    memset(k, 0, sizeof *k);
    set_defaults(k);
    k->scanning = true;
}

/* A byte that an earlier command waits for. */
static void write_parameter(struct ps2_kbd *k, uint8_t v)
{
    uint8_t command = k->command;

    k->command = 0;
    ps2_put(&k->reply, PS2_ACK);
    switch (command) {
    case CMD_SET_LEDS:
        k->leds = v & 7;
        break;
    case CMD_SCAN_CODE_SET:
        if (v == 0) {
            ps2_put(&k->reply, k->set);
        } else if (v <= 3) {
            k->set = v;
            flush_codes(k);
        }
        break;
    case CMD_KEY_TYPEMATIC:
    case CMD_KEY_MAKE:
    case CMD_KEY_MAKE_BREAK:
        key_breaks(k, v, command == CMD_KEY_MAKE_BREAK);
        break;
    }
}

static void write_command(struct ps2_kbd *k, uint8_t v)
{
    if (v == CMD_ECHO || v == CMD_RESEND) {
        ps2_put(&k->reply, v == CMD_ECHO ? CMD_ECHO : k->last);
        return;
    }
    if (v < CMD_SET_LEDS || v == 0xef || v == 0xf1) {
        ps2_put(&k->reply, PS2_RESEND);
        return;
    }
    ps2_put(&k->reply, PS2_ACK);
    switch (v) {
    case CMD_SET_LEDS:
    case CMD_SCAN_CODE_SET:
    case CMD_TYPEMATIC:
    case CMD_KEY_TYPEMATIC:
    case CMD_KEY_MAKE_BREAK:
    case CMD_KEY_MAKE:
        k->command = v;
        break;
    case CMD_READ_ID:
        ps2_put(&k->reply, 0xab);
        ps2_put(&k->reply, 0x83);
        break;
    case CMD_ENABLE:
        flush_codes(k);
        k->scanning = true;
        break;
    case CMD_DISABLE:
    case CMD_DEFAULTS:
        set_defaults(k);
        k->scanning &= v == CMD_DEFAULTS;
        break;
    case CMD_ALL_TYPEMATIC:
    case CMD_ALL_MAKE:
        all_breaks(k, false);
        break;
    case CMD_ALL_MAKE_BREAK:
    case CMD_ALL_EVERYTHING:
        all_breaks(k, true);
        break;
    case CMD_RESET:
        ps2_kbd_reset(k);
        ps2_put(&k->reply, PS2_ACK);
        ps2_put(&k->reply, PS2_SELF_TEST_OK);
        break;
    }
}

void ps2_kbd_write(struct ps2_kbd *k, uint8_t v)
{
    /* A command in place of a parameter gives the earlier one up. */
    if (k->command && v < CMD_SET_LEDS) {
        write_parameter(k, v);
    } else {
        k->command = 0;
        write_command(k, v);
    }
}

bool ps2_kbd_has_data(const struct ps2_kbd *k)
{
    /* No scan codes between a command and its parameter. */
    return k->reply.count || (k->codes.count && !k->command);
}

int ps2_kbd_take(struct ps2_kbd *k)
{
    int byte = ps2_take(&k->reply);

    if (byte < 0 && !k->command)
        byte = ps2_take(&k->codes);
    if (byte >= 0)
        k->last = (uint8_t)byte;
    return byte;
}

/* ---- Snapshots ----------------------------------------------------------- */

/* Only the bytes that wait, in their order. */
void ps2_queue_state(struct ps2_queue *q, struct state *s)
{
    q->count = state_choice(s, q->count, PS2_QUEUE_SIZE, "a queue's fill");
    for (unsigned i = 0; i < q->count; i++)
        state_u8(s, &q->data[(q->head + i) % PS2_QUEUE_SIZE]);
}

void ps2_kbd_state(struct ps2_kbd *k, struct state *s)
{
    ps2_queue_state(&k->reply, s);
    ps2_queue_state(&k->codes, s);
    state_u8(s, &k->last);
    state_u8(s, &k->command);
    k->set = (uint8_t)state_choice(s, k->set, 3, "the scan code set");
    state_check(s, k->set, "the scan code set is none");
    state_u8(s, &k->leds);
    state_bool(s, &k->scanning);
    state_u8(s, &k->prefix);
    state_bytes(s, k->breaks, sizeof k->breaks);
}
